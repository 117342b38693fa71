# Sales and adjustments that wait at the same time are one run of a statement:
# each has its own answer, and what happens to one happens to no other.

use strict;
use warnings;

use lib 't/inc';
use IO::Select;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);
use MagasinTest;
use MagasinNginx;
use MagasinRedis;

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

my $all = 'produits,prix,ventes,stock,reapprovisionnement';
my $tokens = MagasinTest::tokens(un => $all, deux => $all);

# A sale in store 5 waits at a gate, and with it its batch, until gate() is
# closed; one of the price 666 fails as nothing may.
sub gates {
    return MagasinTest::sql(
        'CREATE OR REPLACE FUNCTION t_lot() RETURNS trigger LANGUAGE plpgsql'
            . ' SECURITY DEFINER SET lock_timeout = 0 AS $$ BEGIN'
            . ' IF NEW.magasin_id = 5 THEN'
            . ' PERFORM pg_advisory_xact_lock_shared(4790); END IF;'
            . ' IF NEW.total = 666 THEN RAISE \'planted\'; END IF;'
            . ' RETURN NEW; END $$',
        'DROP TRIGGER IF EXISTS t_lot ON vente',
        'CREATE TRIGGER t_lot BEFORE INSERT ON vente'
            . ' FOR EACH ROW EXECUTE FUNCTION t_lot()');
}

END {
    my $status = $?;
    MagasinTest::sql('DROP TRIGGER IF EXISTS t_lot ON vente',
        'DROP FUNCTION IF EXISTS t_lot()')
        if $ENV{TEST_NGINX_ADMIN_DATABASE};
    $? = $status;
}

sub request {
    my ($token, $path, $body, @headers) = @_;
    return join "\r\n", "POST /api/v1/$path HTTP/1.1", 'Host: localhost',
        "Authorization: Token secret-$token", 'Content-Type: application/json',
        'Connection: close', 'Content-Length: ' . length $body, @headers, '',
        $body;
}

sub line {
    my ($product, $quantity, $price) = @_;
    return qq({"produit":$product,"quantite":$quantity)
        . (defined $price ? qq(,"prix_unitaire":"$price") : '') . '}';
}

sub sale {
    my ($store, $lines, @headers) = @_;
    return request('un', 'sales/', qq({"magasin":$store,"lignes":[)
        . join(',', map { line(@$_) } @$lines) . ']}', @headers);
}

sub adjust {
    my ($store, $product, $body, @headers) = @_;
    return request('un', "stores/$store/stock/$product/adjust/", $body,
        @headers);
}

sub key { return "Idempotency-Key: $_[0]" }

sub metric {
    my ($nginx, $name) = @_;
    my (undef, $text) = $nginx->get('/metrics');
    my ($value) = $text =~ /^\Q$name\E (\d+)/m;
    return $value // 0;
}

sub batches { return metric($_[0], 'magasin_postgresql_batch_writes_count') }
sub batched { return metric($_[0], 'magasin_postgresql_batch_writes_sum') }
sub queued  { return metric($_[0],
    'magasin_postgresql_class_waiting{class="write"}') }

sub post {
    my ($nginx, $text) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $nginx->{port}) or die "connect: $!\n";
    $socket->autoflush(1);
    print {$socket} $text;
    return $socket;
}

sub answer {
    my ($socket) = @_;
    my $answer = '';
    my $select = IO::Select->new($socket);
    while ($select->can_read($MagasinNginx::Patience)) {
        sysread $socket, $answer, 65536, length $answer or last;
    }
    my ($status) = $answer =~ m{\AHTTP/1\.1 (\d{3})};
    my ($body) = $answer =~ /\r\n\r\n(.*)\z/s;
    return ($status // 0, $body // '', $answer);
}

sub at_gate {
    return MagasinTest::sql('SELECT count(*) FROM pg_stat_activity'
        . " WHERE usename = 'magasin_web' AND wait_event = 'advisory'");
}

# End the sessions that stand at the gate, and wait until they are gone: one
# that is about to end stands there, too.
sub ended {
    return MagasinTest::sql('SELECT pg_terminate_backend(pid, 10000) FROM'
        . " pg_stat_activity WHERE usename = 'magasin_web'"
        . " AND wait_event = 'advisory'");
}

# A session that waits for an advisory lock, and keeps it until release().
sub waiter {
    my ($statement) = @_;
    my $mark = "waiter-$$";
    open my $pipe, '|-', qw(psql -X -q -o /dev/null -d), MagasinTest::admin()
        or die "psql: $!\n";
    $pipe->autoflush(1);
    print {$pipe} "BEGIN; SET LOCAL application_name = '$mark'; $statement;\n";
    MagasinNginx::wait_for(sub {
        MagasinTest::sql('SELECT count(*) FROM pg_stat_activity WHERE'
            . " application_name = '$mark' AND wait_event = 'advisory'")
    }) or die "nobody waits\n";
    return $pipe;
}

# held(NGINX, REQUEST...): all connections that take writes stand at the gate
# while these are sent, in this order.  Returns their sockets, and the gate.
my @first;

sub held {
    my ($nginx, @requests) = @_;
    my $gate = MagasinTest::hold('SELECT pg_advisory_xact_lock(4790)');
    @first = ();
    for my $n (1 .. 2) {
        push @first, post($nginx, sale(5, [ [ $n, 1 ] ]));
        MagasinNginx::wait_for(sub { at_gate() == $n })
            or die "batch $n does not stand at the gate
";
    }
    my @sockets;
    for my $request (@requests) {
        push @sockets, post($nginx, $request);
        MagasinNginx::wait_for(sub { queued($nginx) == @sockets })
            or die @sockets . ' sent, ' . queued($nginx) . ' wait, '
                . at_gate() . " at the gate\n";
    }
    return ($gate, @sockets);
}

sub opened {
    my ($gate, @sockets) = @_;
    MagasinTest::release($gate);
    my @answers = map { [ answer($_) ] } @sockets;
    is(join(' ', map { (answer($_))[0] } @first), '201 201',
        'those at the gate are sold');
    return @answers;
}

sub codes { return join ' ', map { $_->[0] } @_ }

sub stock {
    my ($store, $product) = @_;
    return MagasinTest::sql('SELECT quantite FROM stock_local WHERE magasin_id'
        . " = $store AND produit_id = $product");
}

sub sales { return MagasinTest::sql('SELECT count(*) FROM vente WHERE id > 6') }

# The places of the ledger that are not what their movements add up to.
my $ledger = 'SELECT count(*) FROM stock_local s WHERE quantite <>'
    . ' (SELECT sum(delta) FROM journal j WHERE j.magasin_id = s.magasin_id'
    . ' AND j.produit_id = s.produit_id)';

my $metrics = 'location = /metrics { magasin_metrics; }';
my $http    = 'magasin_zone lot:2m; magasin_cache off;';

# The maintenance is a write, too; the first one of a worker is not far.
sub start {
    my (%option) = @_;
    my $nginx = MagasinNginx->start(workers => 1, http => $http,
        server => $metrics, tokens => $tokens,
        database => 'connections=3 timeout=40s lock_timeout=30s', %option);
    MagasinNginx::wait_for(sub { metric($nginx,
        'magasin_postgresql_statement_seconds_count{statement="maintenance"}')
    }) or die "no maintenance\n";
    return $nginx;
}

sub end {
    my ($nginx) = @_;
    is(MagasinTest::sql($ledger), 0, 'the ledger is balanced');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
    return;
}

# So many of each product in each store.
sub fresh {
    my ($quantity) = @_;
    return MagasinTest::reset(
        'INSERT INTO stock_local (magasin_id, produit_id, quantite)'
            . " SELECT m.id, p.id, $quantity FROM magasin m, produit p"
            . ' ON CONFLICT (magasin_id, produit_id)'
            . ' DO UPDATE SET quantite = excluded.quantite');
}

gates();


# One alone is a batch of one; those that wait meanwhile are one, with their own
# answers, in the order in which they came

{
    fresh(100);
    my $nginx = start();
    my $before = batches($nginx);
    is((answer(post($nginx, sale(1, [ [ 1, 1 ] ]))))[0], 201, 'one sale');
    is(batches($nginx) - $before, 1, 'is a batch');
    is(metric($nginx, 'magasin_postgresql_batch_writes_bucket{le="1"}'), 1,
        'of one');

    MagasinTest::sql(
        'UPDATE stock_local SET quantite = 3 WHERE magasin_id = 1'
            . ' AND produit_id = 4',
        'UPDATE stock_local SET quantite = 20000 WHERE magasin_id = 1'
            . ' AND produit_id = 6',
        'UPDATE magasin SET ouvert = false WHERE id = 4',
        'UPDATE produit SET archive_le = now() WHERE id = 9');
    my ($gate, @sockets) = held($nginx,
        sale(1, [ [ 4, 2 ] ]), sale(1, [ [ 4, 2 ] ]), sale(1, [ [ 4, 1 ] ]),
        sale(1, [ [ 2, 1 ], [ 3, 2, '1.50' ], [ 2, 4 ] ]),
        sale(4, [ [ 1, 1 ] ]), sale(1, [ [ 9, 1 ] ]), sale(77, [ [ 1, 1 ] ]),
        sale(1, [ [ 88, 1 ] ]), sale(1, [ [ 4, 99 ] ]),
        sale(1, [ [ 6, 10001, '99999999.99' ] ]),
        sale(2, [ [ 1, 1 ] ], key('a')), sale(2, [ [ 2, 1 ] ], key('b')));
    my ($runs, $writes) = (batches($nginx), batched($nginx));
    my @answers = opened($gate, @sockets);

    is(codes(@answers), '201 409 201 201 409 409 400 400 409 400 201 201',
        'twelve that waited: each its own status');
    is(batches($nginx) - $runs, 1, 'in one batch');
    is(batched($nginx) - $writes, 12, 'of twelve');
    like($answers[1][1], qr/"demande":2,"disponible":1\b/,
        'the second finds what the first left');
    like($answers[3][1], qr/"total":"130\.50","lignes":\[\{"produit":2,/,
        'three lines in their order');
    like($answers[6][1], qr/^\{"magasin":\["Clé primaire/, 'no such store');
    like($answers[7][1], qr/^\{"lignes":\[\{"produit":\["Clé primaire/,
        'no such product');
    like($answers[8][1], qr/"demande":99,"disponible":0\b/,
        'nothing is left for the last');
    my @ids = map { $_->[1] =~ /^\{"id":(\d+),/ ? $1 : () } @answers;
    is("@ids", join(' ', sort { $a <=> $b } @ids),
        'sales have their ids in the order of arrival');
    is(scalar(grep { $answers[0][2] =~ m{^Location: /api/v1/sales/$_/\r$}m }
        $ids[0]), 1, 'and their Location');
    is(stock(1, 4), 0, 'the stock of the three');
    is(MagasinTest::sql("SELECT quantite FROM journal WHERE reference ="
        . " 'vente/$ids[0]' AND delta < 0"), 1,
        'the journal has what there was after the first');
    end($nginx);
}


# Adjustments come before sales, whoever came first

{
    fresh(10);
    my $nginx = start();
    my ($gate, @sockets) = held($nginx,
        sale(1, [ [ 4, 12 ] ]),
        adjust(1, 4, '{"delta":5}'),
        adjust(1, 4, '{"quantite":20,"attendu":15}'),
        adjust(1, 4, '{"quantite":9,"attendu":15}'),
        adjust(1, 4, '{"delta":-100}'), adjust(9, 4, '{"delta":1}'),
        adjust(1, 4, '{"delta":1}', 'If-Match: "19"'),
        adjust(1, 4, '{"delta":1}', 'If-Match: "20"'),
        sale(1, [ [ 4, 10 ] ]));
    my $runs = batches($nginx);
    my @answers = opened($gate, @sockets);
    is(codes(@answers), '201 200 200 409 409 404 412 200 409',
        'adjustments and sales: each its own status');
    is(batches($nginx) - $runs, 1, 'in one batch');
    like($answers[1][2], qr/^ETag: "15-15"\r$/m, 'with the stock of that moment');
    like($answers[7][1], qr/"quantite":21,/, 'and of the next');
    like($answers[8][1], qr/"disponible":9\b/, 'sales find what they left');
    is(stock(1, 4), 9, 'the stock');
    end($nginx);
}


# Hostile texts: none gets out of its element

{
    fresh(10);
    my $nginx = start();
    my @hostile = ('","', '\\', '\\"', '{}', '}', '{', 'NULL', 'null', "a'b",
        '""', ',', ' ', '$1', 'é{"', '\\\\"},{');
    my @bodies = map {
        my $text = $_ =~ s/([\\"])/\\$1/gr;
        qq({"delta":1,"motif":"$text"})
    } @hostile;
    my @keys = ('a{b', 'a}b', 'NULL', 'a,b', "a'b", 'a\\b');
    my ($gate, @sockets) = held($nginx,
        (map { adjust(1, 4, $_) } @bodies, '{"delta":1,"motif":""}'),
        map { adjust(1, 4, '{"delta":1}', key($_)) } @keys);
    my $runs = batches($nginx);
    my @answers = opened($gate, @sockets);
    is(codes(@answers), join(' ', (200) x (@bodies + 1 + @keys)),
        'hostile texts: all are done');
    is(batches($nginx) - $runs, 1, 'in one batch');
    is(MagasinTest::sql("SELECT string_agg(coalesce(motif, '-'), '|'"
        . " ORDER BY id) FROM journal WHERE motif IS NOT NULL"),
        join('|', grep { /\S/ } @hostile), 'with the reasons that were given');
    is(MagasinTest::sql('SELECT string_agg(cle, \'|\' ORDER BY cle COLLATE'
        . ' "C") FROM idempotence'), join('|', sort @keys), 'and the keys');
    end($nginx);
}


# Redis is told once of a batch, of all its tags, before anybody is answered;
# and who wrote reads what he wrote

SKIP: {
    skip 'TEST_NGINX_REDIS is not set', 8 unless $ENV{TEST_NGINX_REDIS};
    fresh(10);
    my $nginx = start(http => 'magasin_zone lot:2m; magasin_redis unix:'
        . "$ENV{TEST_NGINX_REDIS};");
    my $pid = open(my $messages, '-|', MagasinRedis::program('cli'), '-s',
        $ENV{TEST_NGINX_REDIS}, 'psubscribe', '*') or die "redis-cli: $!\n";
    readline $messages for 1 .. 3;
    $nginx->get("/api/v1/stores/1/stock/$_/") for 1 .. 4;
    my ($gate, @sockets) = held($nginx,
        map { sale(1, [ [ $_, 1 ] ]) } 1 .. 4);
    my @answers = opened($gate, @sockets);
    is(codes(@answers), '201 201 201 201', 'Redis: the sales');
    like(($nginx->get("/api/v1/stores/1/stock/$_/"))[1], qr/"quantite":9\b/,
        "Redis: the stock of $_ afterwards") for 1 .. 4;

    # A message is the node, the transaction and the slots of the tags.
    my %told;
    MagasinNginx::wait_for(sub {
        my $line = readline $messages;
        $told{$1}++ if $line =~ /^[0-9a-f]{16} ([1-9]\d*) \d/;
        return keys %told == 3;
    });
    MagasinTest::sql('SELECT 1');
    kill 'TERM', $pid;
    while (my $line = readline $messages) {
        $told{$1}++ if $line =~ /^[0-9a-f]{16} ([1-9]\d*) \d/;
    }
    close $messages;
    is(join(' ', values %told), '1 1 1',
        'Redis: one message for each of the three transactions');
    end($nginx);
}


# A key that waits twice: the second has the answer of the first.  On a machine
# so busy that a batch takes longer than others wait for it, the second goes
# meanwhile on another connection, and is told that the first is under way.

{
    my ($nginx, $runs, @answers);

    for my $attempt (1 .. 10) {
        end($nginx) if $nginx;
        fresh(10);
        $nginx = start();
        my $other = sale(1, [ [ 4, 2 ] ], key('k'));
        my ($gate, @sockets) = held($nginx,
            sale(1, [ [ 4, 1 ] ], key('k')), sale(1, [ [ 4, 1 ] ], key('k')),
            $other, $other =~ s/secret-un/secret-deux/r,
            sale(1, [ [ 4, 1 ] ]));
        $runs = batches($nginx);
        @answers = opened($gate, @sockets);
        last if codes(@answers) !~ /409/;
    }

    is(codes(@answers), '201 201 422 201 201',
        'a key twice: the same, and another request');
    is($answers[1][1], $answers[0][1], 'the same answer');
    is(batches($nginx) - $runs, 3, 'each repetition in a batch of its own');
    is(metric($nginx, 'magasin_postgresql_locks_total{result="missed"}'), 0,
        'and nobody sent away');
    is(stock(1, 4), 6, 'and sold once');
    is((answer(post($nginx, sale(1, [ [ 4, 1 ] ], key('k')))))[1],
        $answers[0][1], 'and once more later');
    end($nginx);
}


# A fault of one: the others are sold, once

{
    fresh(10);
    my $nginx = start();
    my ($gate, @sockets) = held($nginx,
        sale(1, [ [ 4, 1 ] ]), sale(1, [ [ 4, 1, '666' ] ]),
        sale(1, [ [ 4, 1 ] ], key('k')), adjust(1, 4, '{"delta":-1}'));
    my ($runs, $rejected) = (batches($nginx),
        metric($nginx, 'magasin_postgresql_batches_rejected_total'));
    my @answers = opened($gate, @sockets);
    is(codes(@answers), '201 500 201 200',
        'a fault: the others have their answers');
    is(batches($nginx) - $runs, 5, 'one batch, then one by one');
    is(metric($nginx, 'magasin_postgresql_batches_rejected_total')
        - $rejected, 1, 'and it is counted');
    is(stock(1, 4), 7, 'done once');
    is(MagasinTest::sql("SELECT count(*) FROM vente WHERE total = 666"), 0,
        'the faulty one is not');
    end($nginx);
}


# What a client sends is no fault: more units of one product than an integer has

{
    fresh(10);
    my $nginx = start();
    my ($gate, @sockets) = held($nginx, sale(1, [ [ 4, 1 ] ]),
        request('un', 'sales/', '{"magasin":1,"total_attendu":"1.00","lignes":['
            . join(',', (line(4, 2147483647)) x 2) . ']}'));
    my $rejected = metric($nginx, 'magasin_postgresql_batches_rejected_total');
    my @answers = opened($gate, @sockets);
    is(codes(@answers), '201 409', 'two lines of many units: 409');
    like($answers[1][1], qr/"quantite":4294967294,/, 'and how many these are');
    is(metric($nginx, 'magasin_postgresql_batches_rejected_total')
        - $rejected, 0, 'and no batch is rejected');
    is(stock(1, 4), 9, 'the other one is sold');
    end($nginx);
}


# One that runs alone since, and waits for a lock, is no batch that was rejected

{
    fresh(10);
    my $nginx = start();
    my $row = MagasinTest::hold('SELECT FROM stock_local WHERE magasin_id = 1'
        . ' AND produit_id = 4 FOR UPDATE');
    my ($gate, @sockets) = held($nginx,
        sale(1, [ [ 3, 1, '666' ] ]), sale(1, [ [ 4, 1 ] ]));
    my $rejected = metric($nginx, 'magasin_postgresql_batches_rejected_total');
    my $missed = 'magasin_postgresql_locks_total{result="missed"}';
    my @faulty = opened($gate, shift @sockets);
    is(codes(@faulty), '500', 'alone and locked: the faulty one');
    ok(MagasinNginx::wait_for(sub { metric($nginx, $missed) >= 3 }),
        'alone and locked: it misses its lock, and again');
    MagasinTest::release($row);
    is((answer($sockets[0]))[0], 201, 'alone and locked: until it is free');
    is(metric($nginx, 'magasin_postgresql_batches_rejected_total')
        - $rejected, 1, 'alone and locked: one batch was rejected');
    end($nginx);
}


# A connection that is lost with a batch on it

{
    fresh(10);
    my $nginx = start();
    my $gate = MagasinTest::hold('SELECT pg_advisory_xact_lock(4790)');
    my @sockets = (post($nginx, sale(5, [ [ 4, 1 ] ], key('k'))));
    MagasinNginx::wait_for(sub { at_gate() == 1 });
    push @sockets, post($nginx, sale(5, [ [ 3, 1 ] ]));
    MagasinNginx::wait_for(sub { at_gate() == 2 });
    ended();
    ok(MagasinNginx::wait_for(sub { at_gate() >= 1 }),
        'lost: what has a key is sent again');
    MagasinTest::release($gate);
    my @answers = map { [ answer($_) ] } @sockets;
    like(codes(@answers), qr/^201 (?:201|503)$/, 'lost: their answers');
    is(sales(), scalar(grep { $_->[0] == 201 } @answers),
        'lost: sold once, and what was told to be');
    end($nginx);
}


# The session is ended, and somebody has waited for the key: who sold may not be
# told that he still does

{
    fresh(10);
    my $nginx = start();
    my $gate = MagasinTest::hold('SELECT pg_advisory_xact_lock(4790)');
    my $request = sale(5, [ [ 4, 1 ] ], key('k'));
    my $socket = post($nginx, $request);
    MagasinNginx::wait_for(sub { at_gate() == 1 });
    my $lock = MagasinTest::sql('SELECT classid::bigint << 32 | objid::bigint'
        . ' FROM pg_locks JOIN pg_stat_activity USING (pid)'
        . " WHERE usename = 'magasin_web' AND locktype = 'advisory'"
        . ' AND granted');
    my $key = waiter("SELECT pg_advisory_xact_lock($lock)");
    ended();
    my ($code, undef, $answer) = answer($socket);
    is($code, 503, 'its key: not known');
    like($answer, qr/^Retry-After: \d+\r$/m, 'its key: it may ask again');
    MagasinTest::release($_) for $key, $gate;
    is((answer(post($nginx, $request)))[0], 201, 'its key: and sells');
    is(sales(), 1, 'its key: once');
    end($nginx);
}


# The session of a batch is ended: it runs again in the order of arrival, what
# has a key alone

for my $keys (0, 1) {
    fresh(10);
    my $nginx = start();
    my ($gate, @sockets) = held($nginx, map {
        sale(5, [ [ 4, $_ ] ], $keys ? key("k$_") : ())
    } 1 .. 4);

    # The first time they go with those at the gate, which had no key.
    ended();
    ok(MagasinNginx::wait_for(
        sub { at_gate() >= 1 && queued($nginx) == 0 }),
        "$keys: all of them are at the gate");
    my ($runs, $writes) = (batches($nginx), batched($nginx));
    ended();
    ok(MagasinNginx::wait_for(sub { at_gate() >= 1 }),
        "$keys: and once more");
    my @answers = opened($gate, @sockets);
    is(codes(@answers), '201 201 201 201', "$keys: all are sold");
    cmp_ok(batches($nginx) - $runs, $keys ? '>=' : '<=', $keys ? 5 : 2,
        "$keys: in so many batches");
    is(sales(), 6, "$keys: each once");
    is(MagasinTest::sql("SELECT string_agg(quantite::text, ' ' ORDER BY"
        . ' vente_id) FROM ligne_vente JOIN vente ON vente.id = vente_id'
        . ' WHERE vente_id > 6 AND produit_id = 4'), '1 2 3 4',
        "$keys: in the order of arrival");
    end($nginx);
}


# Clients that leave: what was sent happens, what waited does not

{
    fresh(10);
    my $nginx = start();
    my ($gate, @sockets) = held($nginx,
        map { sale(1, [ [ $_, 1 ] ]) } 1 .. 4);
    close $sockets[1];
    close $sockets[2];
    my $left = MagasinNginx::wait_for(sub { queued($nginx) == 2 }, 3);
    my @answers = opened($gate, @sockets[ 0, 3 ]);
    is(codes(@answers), '201 201', 'clients left: the others are answered');
    is(join(' ', stock(1, 1), stock(1, 4)), '9 9', 'clients left: and sold');
    is(stock(1, 2), $left ? 10 : 9, 'clients left: theirs as ever');
    end($nginx);
}


# A row that somebody has locked: who wants it waits, with nobody else

{
    fresh(100);
    my $nginx = start();
    my $row = MagasinTest::hold('SELECT FROM stock_local WHERE magasin_id = 1'
        . ' AND produit_id = 4 FOR UPDATE');
    my ($gate, @sockets) = held($nginx,
        (map { sale(1, [ [ $_, 1 ] ]) } 1 .. 8),
        sale(1, [ [ 3, 1 ], [ 4, 1 ] ]));
    my $runs = batches($nginx);
    MagasinTest::release($gate);
    is(join(' ', map { (answer($_))[0] } @first), '201 201',
        'those at the gate are sold');
    my @others = @sockets[ 0 .. 2, 4 .. 7 ];
    is(join(' ', map { (answer($_))[0] } @others), join(' ', (201) x 7),
        'a locked row: the others of the batch are sold');
    ok(MagasinNginx::wait_for(
        sub { metric($nginx, 'magasin_postgresql_locked') >= 1 }),
        'a locked row: who wants it waits');
    MagasinTest::release($row);
    is(join(' ', map { (answer($_))[0] } @sockets[ 3, 8 ]), '201 201',
        'a locked row: until it is free');
    is(join(' ', stock(1, 3), stock(1, 4)), '98 98', 'each once');
    end($nginx);
}


# More than a batch takes, and large ones

{
    fresh(1000000);
    my $nginx = start();
    my ($gate, @sockets) = held($nginx,
        (map { sale(1, [ [ 1 + $_ % 15, 1 ] ]) } 1 .. 70),
        sale(1, [ map { [ 1 + $_ % 15, 1 ] } 1 .. 1000 ]),
        sale(1, [ map { [ 1 + $_ % 15, 1 ] } 1 .. 1000 ]));
    my $runs = batches($nginx);
    my @answers = opened($gate, @sockets);
    is(codes(@answers), join(' ', (201) x 72), 'many and large ones');
    cmp_ok(batches($nginx) - $runs, '>=', 4, 'in batches of some lines');
    is(metric($nginx, 'magasin_postgresql_batch_writes_bucket{le="64"}'),
        batches($nginx), 'and of 64 requests at most');
    cmp_ok(metric($nginx, 'magasin_postgresql_batch_writes_bucket{le="32"}'),
        '<', batches($nginx), 'which one has');
    is(sales(), 74, 'each once');
    end($nginx);
}


# Two workers and one row: nobody starves

{
    fresh(1000000);
    my $nginx = start(workers => 2);
    my $count = $nginx->load(connections => 32, seconds => 2, requests =>
        [ sale(1, [ [ 4, 1 ] ]) =~ s/Connection: close\r\n//r ])->finish;
    is($count->{failed}, 0, 'one row: every request has an answer');
    is($count->{201}, $count->{sent}, 'one row: all are sold');
    is(stock(1, 4), 1000000 - $count->{sent}, 'one row: each once');
    cmp_ok(batched($nginx), '>=', $count->{sent}, 'one row: in batches');
    end($nginx);
}

MagasinTest::reset();
done_testing();
