# The lives of the database: readers of the journal go on after it was restored
# into another cluster and after a failover, or are told to begin again.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use File::Temp qw(tempdir);
use MagasinTest;
use MagasinNginx;

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};

my $journal = '/api/v1/journal/';

# Another cluster, in a directory of its own.
my $other = tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $other;

sub instance {
    my ($command) = @_;
    local $ENV{RUN_DIR} = $other;
    my $output = `scripts/instance.sh $command 2>&1 </dev/null`;
    die "$command: $output\n" if $?;
    chomp $output;
    return $output;
}

sub run {
    my ($command) = @_;
    open my $pipe, '-|', 'bash', '-c', "set -o pipefail; ( $command ) 2>&1"
        or die "bash: $!\n";
    my $output = do { local $/; <$pipe> };
    close $pipe or die "$command: $output\n";
    return;
}

END {
    my $status = $?;
    eval { instance('stop') } if -e "$other/data";
    $? = $status;
}

# The ids of the rows of a page, and the path of the next one.
sub page {
    my ($nginx, $path) = @_;
    my ($status, $answer) = $nginx->get($path);
    die "$path: $answer\n" if $status != 200;
    my ($next) = $answer =~ m{"next":"http://localhost([^"]+)"};
    return ($next, join ' ', $answer =~ /\{"id":(\d+),"instant"/g);
}

sub gone {
    my ($nginx, $path, $name) = @_;
    my ($status, $answer) = $nginx->get($path);
    is($status, 410, "$name: 410");
    like($answer, qr/\{"detail":"Le\ journal\ n’a\ plus\ la\ ligne[^"]+",
        "recommencer":"http:\/\/localhost\/api\/v1\/journal\/\?limit=2"\}\z/x,
        "$name: how to begin again");
    return;
}

sub change {
    my ($n) = @_;
    MagasinTest::sql("UPDATE stock_local SET quantite = $_ WHERE id = 3")
        for 101 .. 100 + $n;
    return;
}

sub entire {
    return MagasinTest::sql("SELECT string_agg(id::text, ' ' ORDER BY xid, id)"
            . ' FROM journal');
}

sub lives { return MagasinTest::sql('SELECT count(*) FROM journal_vie') }

MagasinTest::reset("SELECT set_config('magasin.entretien', 'oui', true)",
    'TRUNCATE journal RESTART IDENTITY');

# More transactions than a restore has.
MagasinTest::psql('-c', 'DO $$ BEGIN FOR i IN 1 .. 5000 LOOP'
    . ' PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$');
change(5);

my $nginx = MagasinNginx->start(workers => 1);
my ($middle, $ids) = page($nginx, "$journal?limit=2");
is($ids, '1 2', 'a page');
my ($end) = page($nginx, $middle);
($end, $ids) = page($nginx, $end);
is($ids, '5', 'the last page');

# Restored into another cluster, whose transactions have small numbers

instance('start-db');
my $web   = instance('web-conninfo');
my $admin = instance('admin-conninfo');
my $from  = MagasinTest::admin();
my ($host) = $admin =~ /host=(\S+)/;
run("psql -X -q -d 'host=$host user=postgres dbname=postgres'"
    . " -c 'DROP DATABASE magasin' -c \"CREATE DATABASE magasin ENCODING UTF8"
    . " TEMPLATE template0 LOCALE 'C.UTF-8' LOCALE_PROVIDER icu"
    . " ICU_LOCALE 'fr'\"");
run("pg_dump -Fc -d '$from' | pg_restore --exit-on-error -d '$admin'");

change(2);
my ($lost) = page($nginx, $end);
my ($backward) = page($nginx, "$journal?limit=2&ordering=-id");
ok($nginx->stop, 'a graceful stop');

{
    local $ENV{TEST_NGINX_DATABASE}       = $web;
    local $ENV{TEST_NGINX_ADMIN_DATABASE} = $admin;
    MagasinTest::sql('SELECT setval(pg_get_serial_sequence($$journal$$,'
            . ' $$id$$), 7)');
    cmp_ok(MagasinTest::sql('SELECT max(xid)::text::bigint FROM journal'), '>',
        MagasinTest::sql('SELECT pg_current_xact_id()'),
        'restored: transactions begin anew');
    is(lives(), 1, 'restored: nothing was written yet');

    # With psql, before any node is there, and with a transaction that fails.
    eval { MagasinTest::sql('UPDATE stock_local SET quantite = 3 WHERE id = 3',
        'SELECT 1 / 0') };
    change(2);
    is(lives(), 2, 'restored: a second life');
    my $all = entire();
    like($all, qr/\A1 2 3 4 5 (?:\d+ ?){2}\z/, 'restored: new rows are last');

    $nginx = MagasinNginx->start(workers => 1);
    my ($next, $new) = page($nginx, $end);
    is("1 2 3 4 5 $new", $all, 'restored: a reader goes on');
    (undef, $new) = page($nginx, $middle);
    is($new, '3 4', 'restored: one in the middle too');
    gone($nginx, $lost, 'restored, rows that came after the dump');
    my ($status) = $nginx->get($backward);
    is($status, 410, 'restored: a list of the newest first');
    my ($problem) = ($nginx->ask("GET $lost HTTP/1.1\r\nHost: localhost\r\n"
        . "Accept: application/problem+json\r\nConnection: close\r\n\r\n"))[1];
    like($problem, qr/"title":"Gone","status":410.*"recommencer":"http/,
        'restored: as a problem');

    # The poller of the cache finds what is changed by hand.
    my $prices = sub { ($nginx->get('/api/v1/products/1/'))[1]
        =~ /"prix":"([^"]+)"/ ? $1 : '' };
    $prices->();
    MagasinTest::sql('UPDATE produit SET prix = 77 WHERE id = 1');
    ok(MagasinNginx::wait_for(sub { $prices->() eq '77.00' }),
        'restored: the cache follows the journal');

    # A planted bug: rows without a life.
    ($next) = page($nginx, $next);
    MagasinTest::sql('ALTER TABLE journal ALTER xid'
            . ' SET DEFAULT pg_current_xact_id()');
    change(1);
    (undef, $new) = page($nginx, $next);
    is($new, '', 'planted: a row without its life is missed');
    MagasinTest::sql('ALTER TABLE journal ALTER xid SET DEFAULT'
            . ' journal_place(journal_vie(), pg_current_xact_id())');
    MagasinTest::sql("SET magasin.entretien = 'oui'; DELETE FROM journal"
            . " WHERE xid < (281474976710656::text::xid8) AND id > 8");
    ok($nginx->stop, 'a graceful stop');

    # A standby that lagged takes the place of its primary.
    instance('stop');
    run("cp -a $other/data $other/standby");
    instance('start-db');
    $nginx = MagasinNginx->start(workers => 1);
    my ($reader) = page($nginx, $next);
    change(4);
    ($lost) = page($nginx, $reader);
    isnt($lost, $reader, 'failover: rows that the standby never had');
    ok($nginx->stop, 'a graceful stop');
    instance('stop');
    rename "$other/data", "$other/primary" or die "rename: $!\n";
    rename "$other/standby", "$other/data" or die "rename: $!\n";
    run("touch $other/data/recovery.signal && chown --reference=$other/data"
        . " $other/data/recovery.signal && echo \"restore_command = 'false'\""
        . " >>$other/data/postgresql.auto.conf");
    instance('start-db');

    $nginx = MagasinNginx->start(workers => 1);
    change(2);
    is(MagasinTest::sql("SELECT string_agg(branche, ' ' ORDER BY vie)"
            . ' FROM journal_vie WHERE vie > 0'), '00000001 00000002',
        'failover: a third life');
    my @new = split ' ', (page($nginx, $reader))[1];
    is(scalar @new, 2, 'failover: who had read what the standby had goes on');
    gone($nginx, $lost, 'failover, rows that were lost');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');

    # Rows that came from elsewhere, ahead of this cluster, as by replication.
    MagasinTest::sql('INSERT INTO journal (xid, magasin_id) SELECT'
        . " (xid::text::bigint + 100000)::text::xid8, 1 FROM journal"
        . ' ORDER BY xid DESC, id DESC LIMIT 1');
    change(1);
    is(lives(), 4, 'copied rows: another life');
    is(MagasinTest::sql('SELECT max(id) FROM journal'),
        (split ' ', entire())[-1], 'copied rows: new rows come after them');

    # Nobody but the owner begins one, and a standby does not.
    eval { MagasinTest::sql('SET LOCAL ROLE magasin_web',
        'SELECT journal_vie_commencer()') };
    like($@, qr/permission denied/, 'the web tier begins no life');
    MagasinTest::sql("UPDATE journal_vie SET branche = '0' WHERE vie = 3");
    MagasinTest::psql('-c', 'SET default_transaction_read_only = on',
        '-c', 'SELECT journal_vie()');
    is(lives(), 4, 'a transaction that may not write writes no life');
    MagasinTest::sql('SELECT entretien()');
    is(lives(), 5, 'the maintenance does');

    # Whoever begins a life and rolls back keeps its number in a plan.
    MagasinTest::sql("UPDATE journal_vie SET branche = '0' WHERE vie = 4");
    MagasinTest::psql(map { ('-c', $_) }
        'SET plan_cache_mode = force_generic_plan',
        "PREPARE i AS INSERT INTO journal (type, magasin_id) VALUES ('vie', 1)",
        'BEGIN', 'EXECUTE i', 'ROLLBACK', 'EXECUTE i');
    change(1);
    is(MagasinTest::sql('SELECT count(DISTINCT xid::text::bigint >> 48)'
            . " FROM journal WHERE xid >= journal_place(5, '0')"),
        1, 'a life whose begin was rolled back: others have the same');
}

MagasinTest::reset();
done_testing();
