# The journal as an outbox: what logical decoding shows of it, as docs/GROWTH.md
# has it, is what the journal has, in its order.  Some of it may come again, and has
# its id.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use MagasinNginx;
use MagasinStandby;
use MagasinTest;

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};
plan skip_all => 'what is tested here is PostgreSQL'
    if $ENV{TEST_NGINX_ASAN};

my $server = MagasinStandby->primary;
$server->sql("ALTER SYSTEM SET wal_level = 'logical'");
$server->stop;
$server->start;
MagasinTest::reset();

my $recvlogical = "/usr/lib/postgresql/$server->{version}/bin/pg_recvlogical";
my $nginx = MagasinNginx->start(workers => 2,
    tokens => MagasinTest::tokens(caisse => 'ventes,stock'));

# received(): the rows of the journal since the last call, "id type reference".
sub received {
    my $end  = $server->sql('SELECT pg_current_wal_insert_lsn()');
    my $text = MagasinStandby::run($recvlogical, '-d', $server->{admin},
        '--slot=flux', '--start', '--no-loop', "--endpos=$end", '-f', '-',
        '-o', 'include-xids=off', '-o', 'skip-empty-xacts=on');
    my $row = qr/^table public\.journal_\d+: INSERT:/;
    return [ map {
        /$row.*\ id\[bigint\]:(\d+)\ .*\ type\[text\]:'([^']+)'.*
            \ reference\[text\]:'?([^'\ ]+)/x ? "$1 $2 $3" : ()
    } split /\n/, $text ];
}

sub sell {
    my ($quantity, @headers) = @_;
    my $body = qq({"magasin":1,"lignes":[{"produit":4,"quantite":$quantity}]});
    return $nginx->ask(join "\r\n", 'POST /api/v1/sales/ HTTP/1.1',
        'Host: localhost', 'Authorization: Token secret-caisse',
        'Content-Type: application/json', 'Content-Length: ' . length $body,
        'Connection: close', @headers, '', $body);
}

sub journal {
    my ($after) = @_;
    return [ split /\n/, $server->sql("SELECT concat_ws(' ', id, type, reference)"
        . " FROM journal WHERE id > $after ORDER BY xid, id") ];
}

MagasinStandby::run($recvlogical, '-d', $server->{admin}, '--slot=flux',
    '--create-slot', '--plugin=test_decoding');
my $after = $server->sql('SELECT coalesce(max(id), 0) FROM journal');

sell(1) for 1 .. 3;
sell(1000);     # there is not so much
$server->sql("BEGIN; INSERT INTO journal (type, reference) VALUES ('essai', 'x');"
    . ' ROLLBACK');
my $first = received();
is(scalar(grep {/ vente_creation /} @$first), 3, 'three sales are told');
is_deeply($first, journal($after), 'as the journal has them');

# Nothing is missing after a crash, and what has come before is known by its id.
$server->stop('immediate');
$server->start;
ok(MagasinNginx::wait_for(sub { $nginx->code('/readyz') == 200 }), 'again');
$after = $server->sql('SELECT max(id) FROM journal');
# Each worker finds the server by itself.
ok(MagasinNginx::wait_for(sub {
    (sell(2, 'Idempotency-Key: encore'))[0] == 201 }), 'and sells');
my %known  = map { $_ => 1 } @$first;
my $second = [ grep { !$known{$_} } @{ received() } ];
is(scalar(grep {/ vente_creation /} @$second), 1, 'one more sale');
is_deeply($second, journal($after), 'once');

$server->sql("SELECT pg_drop_replication_slot('flux')");
ok($nginx->stop, 'a graceful stop');

done_testing();
