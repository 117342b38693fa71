# Single flight: of many that ask for one thing one goes to the database, and
# whatever becomes of that one, the others do not wait for nothing.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use Time::HiRes qw(sleep time);
use MagasinTest;
use MagasinCache;

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

MagasinTest::reset();

my $nginx = MagasinCache->start(workers => 2,
    database => 'connections=4 timeout=40s',
    cache => 'add_header X-Waited "[$magasin_cache_time]" always;');

# Statements that stand still before the rows.

MagasinTest::gates(qw(produit stock_local magasin));

# All of them ask, and the statement of one waits.
sub crowd {
    my ($connections, $path) = @_;
    MagasinCache::ask_for($_, $path) for @$connections;
    MagasinNginx::wait_for(sub { $nginx->blocked >= 1 })
        or die "no statement waits for $path\n";
    return;
}

# "200 MISS 1, ..." of what comes.
sub tally {
    my (@connections) = @_;
    my %count;
    $count{"$_->{status} $_->{state}"}++
        for map { MagasinCache::receive($_) } @connections;
    return join ', ', map {"$_ $count{$_}"} sort keys %count;
}

# Of those who want what is newer than they.
sub renew {
    my ($connection, $path, $control) = @_;
    print { $connection->{socket} } "GET $path HTTP/1.1\r\n"
        . "Host: localhost\r\nCache-Control: $control\r\n\r\n";
    return;
}

sub flush {
    $nginx->fetch('/api/v1/cache/flush/', method => 'POST')->{status} == 200
        or die "flush\n";
    return;
}

# Until the workers have read all that was sent: what comes after it is
# answered after it.
my @clients = $nginx->clients;

# All of it in one flight, which may take two seconds, and while the poller is
# in time: so each is tried again as a whole (MagasinNginx::shows).

sub settle {
    for (1, 2) {
        $nginx->request($_, '/healthz')->{status} == 200 or die "healthz\n"
            for @clients;
    }
    return;
}

# Two hundred, of both workers

for my $path ('/api/v1/products/4/', '/api/v1/reports/') {
    my @connections = $nginx->connections(200);

    # When the poller is late those who come late do not join.

    MagasinNginx::shows(sub {
        flush();
        my $held = MagasinTest::hold_reads('produit');
        crowd(\@connections, $path);
        settle();
        my $blocked = $nginx->blocked;
        MagasinTest::release($held);
        return [ $blocked, 1, "$path: one statement for 200" ],
            [ tally(@connections), '200 COALESCED 199, 200 MISS 1',
            "$path: all have its answer" ];
    });

    MagasinCache::ask_for($_, $path) for @connections;
    my %seen = map { MagasinCache::receive($_)->{content} => 1 } @connections;
    is_deeply([ keys %seen ], [ $nginx->direct($path)->{content} ],
        "$path: the right one");
}

# $magasin_cache_time: those who join have waited, the one who asks has not.
{
    my $path = '/api/v1/products/5/';
    my @connections = $nginx->connections(6);

    MagasinNginx::shows(sub {
        flush();
        my $held = MagasinTest::hold_reads('produit');
        crowd(\@connections, $path);
        settle();
        MagasinTest::release($held);
        my %waited;
        for (map { MagasinCache::receive($_) } @connections) {
            my ($time) = $_->{head} =~ /^X-Waited: ([^\r\n]*)/m;
            $waited{"$_->{state} " . ($time // 'none') =~ s/\d+\.\d{3}/time/r}++;
        }
        return [ join(', ', map {"$_ $waited{$_}"} sort keys %waited),
            'COALESCED [time] 5, MISS [] 1', 'who has waited for a flight' ];
    });
}

# Nobody who came after a write gets the answer of a flight from before it.
{
    my $path = '/api/v1/stores/1/stock/4/';
    my @connections = $nginx->connections(20);
    flush();

    # Readers are on their way, and stopped in front of the rows.

    my $held = MagasinTest::hold_reads('stock_local');
    MagasinCache::ask_for($_, $path) for @connections[ 0 .. 9 ];
    MagasinNginx::wait_for(sub { $nginx->blocked >= 1 })
        or die "no statement waits\n";
    settle();

    # A write waits, too, and others come when it is done.

    my @write = $nginx->connections(2);
    my $body  = '{"delta":100}';
    print { $write[0]{socket} } join "\r\n",
        'POST /api/v1/stores/1/stock/4/adjust/ HTTP/1.1', 'Host: localhost',
        "Authorization: $MagasinCache::Token",
        'Content-Type: application/json',
        'Content-Length: ' . length $body, '', $body;
    MagasinTest::release($held);
    my $written = MagasinCache::receive($write[0]);
    is($written->{content}, '{"magasin":1,"produit":4,"quantite":130,"disponible":130}',
        'a write among readers');
    MagasinCache::ask_for($_, $path) for @connections[ 10 .. 19 ];
    my @after = map { MagasinCache::receive($_)->{content} }
        @connections[ 10 .. 19 ];
    is((grep {/"quantite":130/} @after), 10,
        'who comes after it does not get what was before');
    is((grep { MagasinCache::receive($_)->{status} == 200 }
            @connections[ 0 .. 9 ]), 10, 'who was before it has an answer');
}

# Nor does who comes after a write join a flight that is on its way still.
{
    my $path = '/api/v1/products/5/availability/';
    my @connections = $nginx->connections(4);
    flush();

    my $held = MagasinTest::hold_reads('stock_local');
    MagasinCache::ask_for($connections[0], $path);
    MagasinNginx::wait_for(sub { $nginx->blocked == 1 })
        or die "no statement waits\n";
    is($nginx->fetch('/api/v1/products/5/', method => 'PUT',
            content => '{"nom":"Ristretto"}')->{status}, 200,
        'a write beside a flight');
    MagasinCache::ask_for($connections[1], $path);
    ok(MagasinNginx::wait_for(sub { $nginx->blocked == 2 }),
        'a write beside a flight: nobody joins it after that');
    MagasinTest::release($held);
    my @answers = map { MagasinCache::receive($_) } @connections[ 0, 1 ];
    is("$answers[0]{state} $answers[1]{state}", 'MISS MISS',
        'a write beside a flight: each has its own');
    like($answers[1]{content}, qr/Ristretto/,
        'a write beside a flight: and the second one what was written');
}

# The client of the one that goes leaves: another one goes, and not only when
# the flight is taken for lost, two seconds after its start.
MagasinNginx::shows(sub {
    my $path = '/api/v1/products/6/';
    my @connections = $nginx->connections(50);
    flush();

    my $held   = MagasinTest::hold_reads('produit');
    my $leader = shift @connections;
    my $start  = time;
    crowd([$leader], $path);
    MagasinCache::ask_for($_, $path) for @connections;
    settle();
    my $first = $nginx->blocked;
    close $leader->{socket};
    my $another = MagasinNginx::wait_for(sub { $nginx->blocked == 2 }, 5)
        && time - $start < 1.8;
    settle();
    my $second = $nginx->blocked;
    MagasinTest::release($held);
    return [ $first, 1, 'a client that leaves: one goes' ],
        [ $another, 1, 'a client that leaves: another goes' ],
        [ $second,  2, 'a client that leaves: one other' ],
        [ tally(@connections), '200 COALESCED 48, 200 MISS 1',
        'a client that leaves: all have an answer' ];
});

# One that waits leaves: nobody notices.
MagasinNginx::shows(sub {
    my $path = '/api/v1/products/7/';
    my @connections = $nginx->connections(20);
    flush();

    my $held = MagasinTest::hold_reads('produit');
    crowd(\@connections, $path);
    settle();
    close $_->{socket} for @connections[ 10 .. 19 ];
    settle();
    MagasinTest::release($held);
    my $tally = tally(@connections[ 0 .. 9 ]);
    return [ $tally =~ s/^200 COALESCED 9, 200 MISS 1$/200 COALESCED 10/r,
        '200 COALESCED 10', 'those that leave take nobody along' ];
});

# Some want what is newer than they: the others go on waiting for theirs, and
# these wait for it as well, and then for one more.
MagasinNginx::shows(sub {
    my $path = '/api/v1/stores/1/stock/7/';
    my @connections = $nginx->connections(40);
    my @own = $nginx->connections(8);
    flush();

    my $held = MagasinTest::hold_reads('stock_local');
    crowd(\@connections, $path);
    settle();
    for my $connection (@own) {
        renew($connection, $path, 'no-cache');
        sleep 0.02;
    }
    settle();
    my $blocked = $nginx->blocked;
    MagasinTest::release($held);
    return [ $blocked, 1, 'some who want a new one: they wait, too' ],
        [ tally(@connections), '200 COALESCED 39, 200 MISS 1',
        'some who want a new one: one goes for the others' ],
        [ tally(@own), '200 BYPASS 1, 200 COALESCED 7',
        'some who want a new one: and one more for these' ];
});

# Two hundred who want what is newer than they: a statement that has seen the
# rows as they were, and stands still, is no answer to those who came after a
# write of psql that no node hears of; but one more is, for all of them.

for my $round ('no-cache', 'max-age=0') {
    my $path = '/api/v1/stores/1/';
    my @connections = $nginx->connections(200);
    my ($try, $late, $early) = (0, 0, 0);

    # A statement that stands for long is not waited for by the other worker.
    # What is not new enough is wrong however long that was.

    MagasinNginx::shows(sub {
        my $name = "Nouveau $round " . ++$try;
        my $held = MagasinTest::hold_reads('magasin');
        renew($connections[0], $path, $round);
        MagasinNginx::wait_for(sub { $nginx->blocked >= 1 })
            or die "no statement waits for $path\n";

        MagasinTest::sql('SET LOCAL session_replication_role = replica',
            "UPDATE magasin SET nom = '$name' WHERE id = 1");
        renew($_, $path, $round) for @connections[ 1 .. $#connections ];
        settle();
        my $blocked = $nginx->blocked;
        MagasinTest::release($held);

        my @answers = map { MagasinCache::receive($_) } @connections;
        my $old = shift @answers;
        $early += $old->{content} =~ /\Q$name\E/;
        $late  += grep { $_->{content} !~ /\Q$name\E/ } @answers;
        return [ "$old->{status} $old->{state}", '200 BYPASS',
            "$round: the first one goes" ],
            [ $early, 0, "$round: and has seen what was there before" ],
            [ $late,  0, "$round: all who came after a write have it" ],
            [ $blocked, 1, "$round: one statement at a time" ],
            [ scalar(grep { $_->{state} eq 'BYPASS' } @answers), 1,
            "$round: and one more for 199" ],
            [ scalar(grep { $_->{state} eq 'COALESCED' } @answers), 198,
            "$round: which the others share" ];
    });
}

MagasinTest::reset();

# The one that goes for them leaves: another one goes.
MagasinNginx::shows(sub {
    my $path = '/api/v1/products/10/';
    my @connections = $nginx->connections(20);

    my $held   = MagasinTest::hold_reads('produit');
    my $leader = shift @connections;
    my $start  = time;
    renew($leader, $path, 'no-cache');
    MagasinNginx::wait_for(sub { $nginx->blocked == 1 })
        or die "no statement waits for $path\n";
    renew($_, $path, 'no-cache') for @connections;
    settle();
    my $first = $nginx->blocked;
    close $leader->{socket};
    my $another = MagasinNginx::wait_for(sub { $nginx->blocked == 2 }, 5)
        && time - $start < 1.8;
    MagasinTest::release($held);
    return [ $first, 1, 'a new one whose client leaves: one goes' ],
        [ $another, 1, 'a new one whose client leaves: another goes' ],
        [ tally(@connections), '200 BYPASS 1, 200 COALESCED 18',
        'a new one whose client leaves: all have an answer' ];
});

# A hundred wait for an answer of 1 MB, which takes its time for each of them:
# all have all of it, and others are answered between them.

MagasinTest::no_gates();
MagasinTest::reset('INSERT INTO produit (id, nom, categorie, prix, description)'
    . " SELECT 1000 + i, 'Long ' || i, 'long', 1, repeat('d', 900)"
    . ' FROM generate_series(1, 1000) i', 'ANALYZE produit');
MagasinTest::gates(qw(produit stock_local magasin));

for my $leaver (0, 1) {
    my $name = $leaver ? 'some who leave' : 'a long answer';
    my $path = '/api/v1/products/?categorie=long&limit=1000';
    my $right = $nginx->direct($path)->{content} =~ s/127\.0\.0\.1:\d+/localhost/gr;
    cmp_ok(length $right, '>', 900_000, "$name: of a megabyte");
    my $wrong = 0;

    MagasinNginx::shows(sub {
        my @connections = $nginx->connections(100);
        flush();
        my $held = MagasinTest::hold_reads('produit');
        crowd(\@connections, $path);
        settle();
        my $blocked = $nginx->blocked;
        if ($leaver) {
            close $_->{socket} for splice @connections, 40, 20;
        }
        MagasinTest::release($held);
        my @answers = map { MagasinCache::receive($_) } @connections;
        $wrong += grep { $_->{status} != 200 || $_->{content} ne $right }
            @answers;
        return [ $blocked, 1, "$name: one statement" ],
            [ $wrong, 0, "$name: all have all of it" ],
            [ scalar(grep { $_->{state} eq 'COALESCED' } @answers),
            @connections - grep({ $_->{state} eq 'MISS' } @answers),
            "$name: of one" ];
    });
    ok(MagasinNginx::wait_for(sub { $nginx->zone_word('pinned') == 0 }),
        "$name: and nothing stays pinned");
}

# A worker that is told to end answers all that wait, however many they are,
# and however long that is.

for my $case ([ 400, '/api/v1/products/11/' ],
    [ 5, '/api/v1/products/?categorie=long&limit=1000' ],
    [ 1, '/api/v1/products/?categorie=long&limit=1000' ])
{
    my ($n, $path) = @$case;
    my $name = "a worker that ends, $n wait";
    my $ends = MagasinCache->start(workers => 1,
        database => 'connections=3 timeout=40s');
    my @connections = $ends->connections($n);
    my ($worker)    = $ends->workers;
    my ($client)    = $ends->clients;
    my $held        = MagasinTest::hold_reads('produit');
    MagasinCache::ask_for($_, $path) for @connections;
    MagasinNginx::wait_for(sub { $ends->blocked >= 1 })
        or die "no statement waits\n";
    for (1, 2) {
        $ends->request($client, '/healthz')->{status} == 200
            or die "healthz\n";
    }
    kill 'QUIT', $ends->master;
    ok(MagasinNginx::wait_for(sub {
        MagasinNginx::slurp("/proc/$worker/cmdline") =~ /shutting down/ }),
        "$name: it shuts down");
    MagasinTest::release($held);
    my @answers = map { MagasinCache::receive($_) } @connections;
    is((grep { $_->{status} == 200 && $_->{content} =~ /\}\z/
            && $_->{head} =~ /^Content-Length: (\d+)/m
            && $1 == length $_->{content} } @answers), $n,
        "$name: all have an answer");
    ok($ends->stop, "$name: it does");
    is($ends->complaints, '', "$name: nothing alarming in its log");
}

MagasinTest::no_gates();
MagasinTest::reset();
MagasinTest::gates(qw(produit stock_local magasin));

# The statement fails: so it does for all, and they do not try one after the
# other.
{
    my $path = '/api/v1/products/8/';
    my $short = MagasinCache->start(workers => 2,
        database => 'connections=2 timeout=700ms');
    my @connections = $short->connections(40);
    my $held  = MagasinTest::hold_reads('produit');

    # Who comes when the poller is late goes alone, and may wait for a
    # connection until it is refused.

    MagasinNginx::shows(sub {
        my $start = time;
        MagasinCache::ask_for($_, $path) for @connections;
        my %status;
        $status{ MagasinCache::receive($_)->{status} }++ for @connections;
        my $took = time - $start;
        return [ join(' ', sort keys %status), '504',
            'a statement that fails: for all' ],
            [ $took < 10 ? 'at once' : $took, 'at once',
            'a statement that fails: at once' ];
    });

    # And those who come later try again.

    MagasinCache::ask_for($connections[0], $path);
    is(MagasinCache::receive($connections[0])->{status}, 504,
        'a statement that fails: it is tried again');
    MagasinTest::release($held);
    ok($short->fill($path), 'a statement that fails: until it does not');
    ok($short->stop, 'a statement that fails: a graceful stop');
    is($short->complaints, '', 'nothing alarming in its log');
}

# The answer is too large for the cache: those who wait for it run the statement
# themselves.  Each path is asked for once: those who come later do not wait.
{
    my $small = MagasinCache->start(workers => 1,
        database => 'connections=4 timeout=40s',
        http => 'magasin_cache_max_size 1k;');
    my $limit = 20;

    MagasinNginx::shows(sub {
        my $path = '/api/v1/products/?limit=' . ++$limit;
        my $right = $small->direct($path)->{content};
        my @connections = $small->connections(20);

        my $held = MagasinTest::hold_reads('produit');
        MagasinCache::ask_for($_, $path) for @connections;
        MagasinNginx::wait_for(sub { $small->blocked >= 1 })
            or die "no statement waits\n";
        for (1, 2) {
            $small->fetch('/healthz')->{status} == 200 or die "healthz\n";
        }
        my $blocked = $small->blocked;
        MagasinTest::release($held);
        my @answers = map { MagasinCache::receive($_) } @connections;
        return [ $blocked, 1, 'not to be shared: they wait for one' ],
            [ scalar(grep { "$_->{status} $_->{state}" eq '200 MISS' }
                @answers), 20, 'not to be shared: each has its own' ],
            [ scalar(grep { $_->{content} eq $right } @answers), 20,
            'not to be shared: all of it' ];
    });
    ok($small->stop, 'not to be shared: a graceful stop');
    is($small->complaints, '', 'not to be shared: nothing alarming in the log');
}

# The worker of the one that goes is killed: those of the other worker go on.

MagasinNginx::shows(sub {
    my $path = '/api/v1/products/9/';
    my @connections = $nginx->connections(40);
    @clients = $nginx->clients;
    $nginx->{tiny} = MagasinCache::client();
    flush();

    my $held   = MagasinTest::hold_reads('produit');
    my $leader = shift @connections;
    crowd([$leader], $path);
    my @mine = grep { $_->{worker} == $leader->{worker} } @connections;
    my @others = grep { $_->{worker} != $leader->{worker} } @connections;
    MagasinCache::ask_for($_, $path) for @mine, @others;
    settle();
    my $blocked = $nginx->blocked;

    kill 'KILL', $leader->{worker};
    MagasinTest::release($held);
    my $start = time;
    my $tally = tally(@others);
    my $took  = time - $start;
    my $lost  = grep { MagasinCache::receive($_)->{status} } @mine;
    $nginx->renewed($leader->{worker}) or die "no new worker\n";
    return [ $blocked, 1, 'a worker that dies: one goes' ],
        [ $tally, '200 COALESCED ' . (@others - 1) . ', 200 MISS 1',
        'a worker that dies: all of the other one have an answer' ],
        [ $took < 1 ? 'soon' : $took, 'soon', 'a worker that dies: soon' ],
        [ $lost, 0, 'a worker that dies: its own are lost' ];
});
$nginx->{tiny} = MagasinCache::client();
ok($nginx->fill('/api/v1/products/9/'),
    'a worker that dies: and it is cached');

ok($nginx->stop, 'a graceful stop');
is($nginx->complaints('exited on signal 9'), '', 'nothing alarming in the log');

MagasinTest::no_gates();
MagasinTest::reset();
done_testing();
