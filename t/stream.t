# GET /api/v1/journal/stream/: the journal as Server-Sent Events.  Nothing is
# missed and nothing comes twice, whatever happens to transactions, workers,
# the configuration and the database.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use MagasinTest;
use MagasinNginx;
use MagasinStream;
use Compress::Zlib qw(crc32);
use MIME::Base64 qw(encode_base64url);
use Time::HiRes qw(sleep time);

sub instance {
    my (@words) = @_;
    local $ENV{RUN_DIR} = $ENV{TEST_NGINX_RUN_DIR};
    system("$MagasinTest::Top/scripts/instance.sh @words >/dev/null 2>&1"
        . ' </dev/null') == 0 or die "instance.sh @words failed\n";
    return;
}

my $Zone   = 'magasin_zone stream:8m;';
my $Killed = qr/exited on signal 9/;

sub change {
    my ($product, $delta) = @_;
    MagasinTest::sql('UPDATE stock_local SET quantite = quantite + '
        . ($delta // 1) . " WHERE magasin_id = 1 AND produit_id = $product");
    return MagasinTest::sql('SELECT max(id) FROM journal');
}

# The ids of the rows of the journal after this one, in its order.
sub journal_after {
    my ($id, $where) = @_;
    return MagasinTest::sql("SELECT string_agg(id::text, ' ' ORDER BY xid, id)"
        . " FROM journal WHERE id > $id" . ($where ? " AND $where" : ''));
}

sub newest { return MagasinTest::sql('SELECT max(id) FROM journal') }

# The cursor of the first page's link, and the rows after a cursor.
sub page {
    my ($nginx, $query) = @_;
    my ($status, $answer) = $nginx->get("/api/v1/journal/$query");
    my ($cursor) = $answer =~ /[?&]cursor=([\w-]+)/;
    return ($cursor, [ $answer =~ /\{"id":(\d+),/g ],
        [ $answer =~ /(\{"id":\d+,.*?\})(?=,\{"id":|\]\})/g ]);
}

MagasinTest::reset();

my $nginx = MagasinNginx->start(workers => 2, http => $Zone);

# The header and the first lines

{
    my $stream = MagasinStream->open($nginx);
    is($stream->status, 200, 'a stream');
    like($stream->{head}, qr/^Content-Type: text\/event-stream\r$/m,
        'its type');
    like($stream->{head}, qr/^Cache-Control: no-store\r$/m, 'is not stored');
    like($stream->{head}, qr/^X-Accel-Buffering: no\r$/m, 'nor buffered');
    unlike($stream->{head}, qr/^(?:ETag|Content-Length|Content-Encoding):/mi,
        'and has no end');
    like($stream->{retry}, qr/^\d{4}$/, 'retry');
    is(scalar @{ $stream->{events} }, 0, 'nothing of before');

    my ($cursor) = page($nginx, '?limit=1000');
    is($stream->{id}, $cursor, 'the id is the cursor of the end');

    # An event is a row of the list, and its id is the list's cursor.

    my $id = change(1, 2);
    is($stream->wait_events(1), 1, 'an event');
    my ($event) = @{ $stream->{events} };
    my ($next, $ids, $rows) = page($nginx, "?cursor=$cursor");
    is("@$ids", $id, 'the list has one row more');
    is($event->{data}, $rows->[0], 'the data are the row');
    is($event->{event}, 'manuel', 'the event is its type');
    is($event->{id}, $next, 'the id is its cursor');

    my (undef, $after) = page($nginx, "?cursor=$event->{id}");
    is("@$after", '', 'a page after it');

    # Nothing of a transaction before it is committed.

    my $held = MagasinTest::hold('UPDATE stock_local SET quantite = 90'
        . ' WHERE magasin_id = 1 AND produit_id = 2');
    change(1);
    change(1);
    $stream->look(0.7);
    is(scalar @{ $stream->{events} }, 1,
        'rows wait for a transaction that runs');
    MagasinTest::release($held, 'COMMIT');
    is($stream->wait_events(4), 4, 'a late commit is not missed');
    is(join(' ', $stream->rows), journal_after($id - 1),
        'in the order of the journal');
    $stream->close;
}

# Who resumes

{
    my $first  = newest();
    my $stream = MagasinStream->open($nginx);
    $stream->status;
    my $begun = $stream->{id};
    $stream->close;

    change($_) for 1, 2, 1;
    for my $option ([ id => $begun ], [ query => "?cursor=$begun" ],
        [ id => $begun, query => '?cursor=x' ], [ id => '',
        query => "?cursor=$begun" ])
    {
        my $again = MagasinStream->open($nginx, @$option);
        $again->wait_events(3);
        change(1);
        $again->wait_events(4);
        is(join(' ', ($again->rows)[ 0 .. 2 ]), journal_after($first)
            =~ s/^(\d+ \d+ \d+).*/$1/r, "resumes: @$option[0]");
        $again->close;
    }

    my $stale = MagasinStream->open($nginx, id => $begun);
    $stale->wait_events(7);
    is(join(' ', $stale->rows), journal_after($first),
        'and has all, once each');
    $stale->close;

    # More than the ring has, and than a page has.

    my $before = newest();
    $stream = MagasinStream->open($nginx);
    $stream->status;
    MagasinTest::sql('UPDATE stock_local SET quantite = quantite + 1'
            . ' FROM generate_series(1, 2) WHERE magasin_id = 1',
        map {
            "SET LOCAL magasin.motif = '" . ('x' x 150) . "'",
            'UPDATE stock_local SET quantite = quantite + 1'
                . ' WHERE magasin_id = 1',
        } 1 .. 300);
    my $wanted = MagasinTest::sql(
        "SELECT count(*) FROM journal WHERE id > $before");
    cmp_ok($wanted, '>', 600, "there are $wanted rows");
    is($stream->wait_events($wanted), $wanted, 'a listener of before');
    is(join(' ', $stream->rows), journal_after($before), 'has all of them');

    $stream = MagasinStream->open($nginx, id => $begun);
    my $all = MagasinTest::sql(
        "SELECT count(*) FROM journal WHERE id > $first");
    is($stream->wait_events($all), $all, 'and one that comes later');
    is(join(' ', $stream->rows), journal_after($first), 'too, in order');
}

# A row that is too long for the ring

{
    my $before = newest();
    my @streams = map { MagasinStream->open($nginx) } 1 .. 3;
    $_->status for @streams;
    change(1);
    MagasinTest::sql(
        "SELECT set_config('magasin.motif', repeat('x', 200000), true)",
        'UPDATE stock_local SET quantite = quantite + 1 WHERE magasin_id = 1'
            . ' AND produit_id IN (1, 2)');
    change(2);
    for my $stream (@streams) {
        $stream->wait_events(4);
        is(join(' ', $stream->rows), journal_after($before), 'long rows');
        cmp_ok(length $stream->{events}[1]{data}, '>', 200_000, 'as they are');
    }
}

# Filters

{
    my $before = newest();
    my %stream = map { $_ => MagasinStream->open($nginx, query => $_) }
        '?magasin=1', '?magasin=2', '?produit=2', '?magasin=1&produit=2',
        '?type=produit_modification', '?type=manuel&magasin=2';
    $_->status for values %stream;

    MagasinTest::sql("UPDATE stock_local SET quantite = quantite + 1"
        . ' WHERE produit_id IN (1, 2, 3)',
        "UPDATE produit SET prix = prix + 1 WHERE id = 2");

    my %where = (
        '?magasin=1' => 'magasin_id = 1', '?magasin=2' => 'magasin_id = 2',
        '?produit=2' => 'produit_id = 2',
        '?magasin=1&produit=2' => 'magasin_id = 1 AND produit_id = 2',
        '?type=produit_modification' => "type = 'produit_modification'",
        '?type=manuel&magasin=2' => "type = 'manuel' AND magasin_id = 2",
    );
    for my $query (sort keys %where) {
        my $wanted = journal_after($before, $where{$query});
        my @wanted = split ' ', $wanted;
        $stream{$query}->wait_events(scalar @wanted);
        is(join(' ', $stream{$query}->rows), $wanted, "live: $query");
    }

    for my $query (sort keys %where) {
        my $wanted = journal_after($before, $where{$query});
        my @wanted = split ' ', $wanted;
        my $late = MagasinStream->open($nginx, query => $query,
            id => (page($nginx, '?limit=1'))[0]);
        MagasinNginx::wait_for(sub {
            $late->look(0.02);
            return (($late->rows)[-1] // '') eq $wanted[-1];
        });
        my %later = map { $_ => 1 } grep { $_ > $before } $late->rows;
        is(join(' ', grep { $later{$_} } $late->rows), $wanted,
            "later: $query");
    }
}

# Who hears nothing for 15 s gets a comment, with the id up to which all is his

{
    my $before = newest();
    my $stream = MagasinStream->open($nginx, query => '?magasin=2');
    my $began  = time;
    $stream->status;
    my ($begun) = $stream->{id};
    change(1) for 1 .. 3;
    my ($end, $rows) = page($nginx, '?limit=1000&cursor=' . $begun);
    is(scalar @$rows, 3, 'rows that are none of his');
    is($stream->wait_comments(1, $MagasinNginx::Patience + 15), 1, 'a comment');
    cmp_ok(time - $began, '>', 14.5, 'after 15 s');
    is(join(' ', $stream->rows), '', 'nothing else');
    is($stream->{id}, $end, 'its id is after the rows');
    $stream->close;

    MagasinTest::sql('UPDATE stock_local SET quantite = quantite + 1'
        . ' WHERE magasin_id = 2 AND produit_id = 1');
    my $again = MagasinStream->open($nginx, query => '?magasin=2',
        id => $stream->{id});
    $again->wait_events(1);
    is(join(' ', $again->rows), journal_after($before, 'magasin_id = 2'),
        'from which it goes on');
    $again->close;
}

# What is refused

for my $case (
    [ '?magasin=x'   => 400, qr/^\{"magasin":\[/ ],
    [ '?produit=0'   => 400, qr/^\{"produit":\[/ ],
    [ '?cursor=abcd' => 400, qr/^\{"cursor":\["Curseur non valide\."\]\}/ ],
) {
    my $stream = MagasinStream->open($nginx, query => $case->[0]);
    is($stream->status, $case->[1], "refused: $case->[0]");
    like($stream->{body}, $case->[2], 'says why');
}

{
    my $stream = MagasinStream->open($nginx, id => 'abcd');
    is($stream->status, 400, 'refused: an id that is none');
    like($stream->{body}, qr/^\{"Last-Event-ID":\["Curseur/, 'says why');

    # A cursor of (2^62, 1): the database has not come so far.
    my $keys = "4611686018427387904\x1f1";
    my $lost = encode_base64url(pack('N', crc32("journal$keys")) . $keys);
    $stream = MagasinStream->open($nginx, id => $lost);
    is($stream->status, 410, 'a history that is lost');
    like($stream->{body}, qr/historique perdu/, 'says what to do');
    $stream = MagasinStream->open($nginx, id => $lost,
        headers => ['Accept: application/problem+json']);
    is($stream->status, 410, 'as a problem');
    like($stream->{head}, qr{^Content-Type: application/problem\+json}m,
        'with its type');

    # A row that is not there any more.
    $keys = "1\x1f1";
    $stream = MagasinStream->open($nginx,
        id => encode_base64url(pack('N', crc32("journal$keys")) . $keys));
    is($stream->status, 410, 'a row that is gone');

    for my $case ([ 'text/event-stream', 200 ], [ '*/*', 200 ],
        [ 'application/json', 200 ], [ 'text/html', 406 ],
        [ 'text/event-stream;q=1, text/html', 200 ])
    {
        $stream = MagasinStream->open($nginx,
            headers => ["Accept: $case->[0]"]);
        is($stream->status, $case->[1], "Accept: $case->[0]");
    }
    is($nginx->code('/api/v1/stores/'), 200, 'elsewhere');
    my ($status) = $nginx->ask("GET /api/v1/stores/ HTTP/1.1\r\nHost: x\r\n"
        . "Accept: text/event-stream\r\nConnection: close\r\n\r\n");
    is($status, 406, 'events are not accepted');

    # Conditions name no entity.
    for my $header ('If-None-Match: *', 'If-None-Match: "x"',
        'If-Modified-Since: Thu, 01 Jan 2037 00:00:00 GMT', 'Range: bytes=0-1',
        'Accept-Encoding: gzip')
    {
        $stream = MagasinStream->open($nginx, headers => [$header]);
        is($stream->status, 200, $header);
    }
    ($status, my $answer) = $nginx->ask("HEAD $MagasinStream::Path HTTP/1.1\r\n"
        . "Host: x\r\nConnection: close\r\n\r\n");
    is($status, 200, 'HEAD');
    like($answer, qr/^Content-Type: text\/event-stream\r$/m, 'its header');
    like($answer, qr/\r\n\r\n\z/, 'and nothing else');
}

# An empty journal: the stream begins before its first row.

{
    my $stream = MagasinStream->open($nginx);
    $stream->status;
    MagasinTest::sql("SELECT set_config('magasin.entretien', 'oui', true)",
        'TRUNCATE journal',
        "SELECT set_config('magasin.entretien', '', true)");
    ok($stream->wait_end, 'the journal has lost what was read');
    is(MagasinStream->open($nginx, id => $stream->{id})->status, 410,
        'which a client hears when it comes back');

    $stream = MagasinStream->open($nginx);
    is($stream->status, 200, 'an empty journal');
    my $again = MagasinStream->open($nginx, id => $stream->{id});
    is($again->status, 200, 'from its begin');
    my $id = change(1);
    $_->wait_events(1) for $stream, $again;
    is(join(' ', $_->rows), $id, 'its first row') for $stream, $again;
}

# A worker that polls is killed

{
    my $before = newest();
    my @streams = map { MagasinStream->open($nginx) } 1 .. 4;
    $_->status for @streams;
    change(1);
    $_->wait_events(1) for @streams;

    # Whoever is left, or comes back, misses nothing.
    for my $pid ($nginx->workers) {
        change(2);
        $nginx->crash($pid);
        change(1);
        for my $stream (@streams) {
            $stream->look;
            next unless $stream->{ended};
            my @events = @{ $stream->{events} };
            $stream = MagasinStream->open($nginx, id => $stream->{id});
            is($stream->status, 200, 'resumed');
            unshift @{ $stream->{events} }, @events;
        }
    }
    $_->wait_events(5) for @streams;
    is(join(' ', $_->rows), journal_after($before), 'workers were killed')
        for @streams;
}

# A reload ends streams, and they go on

{
    my $before = newest();
    my $stream = MagasinStream->open($nginx);
    $stream->status;
    change(1);
    $stream->wait_events(1);
    ok($nginx->reload, 'a reload');
    ok($stream->wait_end, 'ends the stream');
    like($stream->{retry}, qr/^\d{3,4}$/, 'with retry');
    change(2);
    my $again = MagasinStream->open($nginx, id => $stream->{id});
    $again->wait_events(1);
    is(join(' ', $stream->rows, $again->rows), journal_after($before),
        'nothing between them is missed');

    # Also if there was no event at all before.
    $before = newest();
    $stream = MagasinStream->open($nginx, query => '?magasin=1');
    $stream->status;
    ok($nginx->reload, 'a reload');
    ok($stream->wait_end, 'ends a stream that was silent');
    change(1);
    $again = MagasinStream->open($nginx, query => '?magasin=1',
        id => $stream->{id});
    $again->wait_events(1);
    is(join(' ', $again->rows), journal_after($before), 'which goes on');
}

# The sessions with the database end

{
    my $before = newest();
    my $stream = MagasinStream->open($nginx);
    $stream->status;
    for (1 .. 3) {
        MagasinTest::sql('SELECT pg_terminate_backend(pid)'
            . " FROM pg_stat_activity WHERE usename <> session_user"
            . " AND datname = current_database()");
        change(1);
    }
    $stream->wait_events(3);
    is(join(' ', $stream->rows), journal_after($before),
        'sessions were ended');
    ok(!$stream->{ended}, 'and the stream was not');
}

# The database is away

{
    my $before = newest();
    my $stream = MagasinStream->open($nginx);
    $stream->status;
    instance('stop-postgres', 'immediate');
    is(MagasinStream->open($nginx)->status, 503, 'no stream without database');
    instance('start-postgres');
    change(1);
    $stream->wait_events(1);
    is(join(' ', $stream->rows), journal_after($before),
        'the database was away');
    ok(!$stream->{ended}, 'and the stream was not ended');
}

is($nginx->complaints($Killed), '', 'nothing to complain about');
ok($nginx->stop, 'stops while clients listen');
is($nginx->complaints($Killed), '', 'nothing to complain about');

# A client that does not read, one that reads slowly, and others

sub metric {
    my ($name) = @_;
    my ($value) = ($nginx->get('/metrics'))[1] =~ /^\Q$name\E (\d+)$/m;
    return $value // 'none';
}

$nginx = MagasinNginx->start(workers => 1, http => $Zone,
    server => 'send_timeout 2s; location = /metrics { magasin_metrics; }');

{
    my $before = newest();
    my @streams = map { MagasinStream->open($nginx) } 1 .. 3;
    my $deaf = MagasinStream->open($nginx, rcvbuf => 4096);
    $_->status for @streams, $deaf;
    is(metric('magasin_stream_listeners'), 4, 'listeners are counted');

    my $n = 0;
    ok(MagasinNginx::wait_for(sub {
        MagasinTest::sql("SET LOCAL magasin.motif = '" . ('x' x 180) . "'",
            map {'UPDATE stock_local SET quantite = quantite + 1'} 1 .. 20);
        # The others keep up, however slow the node is.
        my $so_far = MagasinTest::sql(
            "SELECT count(*) FROM journal WHERE id > $before");
        $_->wait_events($so_far) for @streams;
        return metric('magasin_stream_ended_total{reason="slow"}') eq '1';
    }), 'one that does not read is dropped');
    is(metric('magasin_stream_listeners'), 3, 'and not counted any more');

    my $wanted = MagasinTest::sql(
        "SELECT count(*) FROM journal WHERE id > $before");
    for my $stream (@streams) {
        is($stream->wait_events($wanted), $wanted, 'the others have all');
        is(join(' ', $stream->rows), journal_after($before), 'in order');
    }
    cmp_ok(metric('magasin_stream_events_total'), '>=', 3 * $wanted,
        'events are counted');

    # What it got before it was dropped says where to go on.
    $deaf->wait_end;
    my @heard = $deaf->rows;
    my $again = MagasinStream->open($nginx, id => $deaf->{id});
    $again->wait_events($wanted - @heard);
    is(join(' ', @heard, $again->rows), journal_after($before),
        'the dropped one goes on where it was');
    $_->close for @streams, $again;
    ok(MagasinNginx::wait_for(sub {
        return metric('magasin_stream_listeners') eq '0';
    }), 'nobody listens');

    # Then nobody polls.
    my $polls;
    ok(MagasinNginx::wait_for(sub {
        my $last = $polls // '';
        $polls = metric('magasin_stream_polls_total');
        sleep 0.6;
        return $polls eq $last;
    }), 'and nobody polls');
    $nginx->stop;
}

# Tokens

{
    my $tokens = MagasinTest::tokens(un => 'lecture magasins=1');
    $nginx = MagasinNginx->start(workers => 1, tokens => $tokens,
        http => "$Zone magasin_read on;");
    my @as = (headers => ['Authorization: Token secret-un']);
    is(MagasinStream->open($nginx)->status, 401, 'magasin_read');
    is(MagasinStream->open($nginx, @as)->status, 403, 'of all stores');
    is(MagasinStream->open($nginx, @as, query => '?magasin=2')->status, 403,
        'of another store');

    # Its store is in the cursor, and not in the filter.
    my $keys = "1\x1f1";
    is(MagasinStream->open($nginx, @as,
            id => encode_base64url(pack('N', crc32("journal$keys")) . $keys)
        )->status, 403, 'of all stores, by a cursor');
    my $stream = MagasinStream->open($nginx, @as, query => '?magasin=1');
    is($stream->status, 200, 'of its store');
    my $before = newest();
    MagasinTest::sql('UPDATE stock_local SET quantite = quantite + 1');
    my $wanted = journal_after($before, 'magasin_id = 1');
    $stream->wait_events(scalar split ' ', $wanted);
    is(join(' ', $stream->rows), $wanted, 'it sees its store alone');

    # Whose token is taken away does not go on listening.
    open my $file, '>', "$tokens.new" or die "$tokens.new: $!\n";
    close $file;
    rename "$tokens.new", $tokens or die "$tokens: $!\n";
    ok($stream->wait_end, 'a token that is taken away');
    $nginx->stop;
}

# HTTP/2

{
    $nginx = MagasinNginx->start(workers => 1, http => $Zone,
        listen => 'http2');
    my $before = newest();
    my $text = '';
    open my $pipe, '-|', 'curl', '-q', '-sSN', '--noproxy', '*',
        '--http2-prior-knowledge',
        "http://127.0.0.1:$nginx->{port}$MagasinStream::Path"
        or die "curl: $!\n";
    my $read = sub {
        my ($pattern) = @_;
        while ($text !~ $pattern) {
            sysread $pipe, $text, 65536, length $text or return 0;
        }
        return 1;
    };
    ok($read->(qr/^id: /m), 'HTTP/2: a stream');
    my $id = change(1);
    ok($read->(qr/^data: .*\n\n/m), 'HTTP/2: an event');
    like($text, qr/^data: \{"id":$id,/m, 'HTTP/2: the row');
    MagasinTest::sql("SET LOCAL magasin.motif = '" . ('x' x 180) . "'",
        map {'UPDATE stock_local SET quantite = quantite + 1'} 1 .. 100);
    my ($last) = journal_after($before) =~ /(\d+)$/;
    ok($read->(qr/^data: \{"id":$last,.*\n\n/m), 'HTTP/2: many');
    is(join(' ', $text =~ /^data: \{"id":(\d+),/mg), journal_after($before),
        'HTTP/2: in order');
    kill 'HUP', $nginx->master;
    ok($read->(qr/retry: \d+\n(?=[^\n]*\n\n\z)/), 'HTTP/2: a reload');
    while (sysread $pipe, $text, 65536, length $text) { }
    ok(close $pipe, 'HTTP/2: ends it');
    is($nginx->complaints, '', 'nothing to complain about');
    $nginx->stop;
}

# Without a zone each worker polls for itself.

{
    local $ENV{TEST_NGINX_CACHE} = 0;
    $nginx = MagasinNginx->start(workers => 2);
    my $before = newest();
    my @streams = map { MagasinStream->open($nginx) } 1 .. 4;
    $_->status for @streams;
    change(1);
    change(2);
    $_->wait_events(2) for @streams;
    is(join(' ', $_->rows), journal_after($before), 'without a zone')
        for @streams;
    $nginx->stop;
}

MagasinTest::reset();
done_testing();
