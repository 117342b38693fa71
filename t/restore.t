# A drill: a backup and the archive of PostgreSQL's log bring back what a wrong
# DELETE took, while the nodes run; a dump goes to a cluster without a
# superuser.  What nodes keep and where readers of the journal are stays right.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use File::Temp qw(tempdir);
use MagasinTest;
use MagasinNginx;
use MagasinCache;
use MagasinStream;

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};
plan skip_all => 'PostgreSQL is what is tested here'
    if $ENV{TEST_NGINX_ASAN};

my $journal = '/api/v1/journal/';
my $other   = tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $other;

sub instance {
    my ($command) = @_;
    local $ENV{RUN_DIR} = $other;
    my $output = `scripts/instance.sh $command 2>&1 </dev/null`;
    die "$command: $output\n" if $?;
    chomp $output;
    return $output;
}

# As the user whose cluster it is.
my $server = $> == 0 ? 'runuser -u postgres --' : '';

sub run {
    my ($command) = @_;
    open my $pipe, '-|', 'bash', '-c', "set -o pipefail; { $command\n} 2>&1"
        or die "bash: $!\n";
    my $output = do { local $/; <$pipe> };
    close $pipe or die "$command: $output\n";
    return $output;
}

END {
    my $status = $?;
    eval { instance('stop') } if -e "$other/data";
    $? = $status;
}

sub page {
    my ($nginx, $path) = @_;
    my ($status, $answer) = $nginx->get($path);
    die "$path: $answer\n" if $status != 200;
    my ($next) = $answer =~ m{"next":"http://localhost([^"]+)"};
    my ($cursor) = $next =~ /cursor=([^&]+)/;
    return ($next, $cursor, join ' ', $answer =~ /\{"id":(\d+),"instant"/g);
}

# The cursor after the last row.
sub last_cursor {
    my ($nginx) = @_;
    my ($path, $end) = ("$journal?limit=1000");
    while (1) {
        my ($next, $cursor, $ids) = page($nginx, $path);
        return $end if $ids eq '';
        ($path, $end) = ($next, $cursor);
    }
}

sub body {
    my ($nginx, $path) = @_;
    my ($status, $answer) = $nginx->get($path);
    return "$status " . ($answer =~ s/\A.*?\r\n\r\n//sr);
}

sub sell {
    my ($nginx) = @_;
    my $body = '{"magasin":1,"lignes":[{"produit":1,"quantite":1}]}';
    return ($nginx->ask(MagasinNginx::put_request('/api/v1/sales/', $body,
        'Connection: close') =~ s/\APUT/POST/r))[0];
}

sub checks {
    my ($name, $conninfo) = @_;
    local $ENV{DATABASE} = $conninfo;
    for my $check (qw(ledger rollups counters doctor)) {
        my $output = `scripts/check.sh $check 2>&1`;
        is($?, 0, "$name: $check") or diag($output);
    }
    return;
}

# What the web tier may do, and who owns what.
sub rights {
    return MagasinTest::sql(<<'SQL');
SELECT string_agg(line, E'\n' ORDER BY line) FROM (
    SELECT format('%s %s %s', c.relname, a.grantee::regrole, a.privilege_type)
           AS line
      FROM pg_class c, aclexplode(c.relacl) a
     WHERE c.relnamespace = 'public'::regnamespace AND a.grantee <> 0
       AND c.relname !~ '^journal_[0-9]+$'
       AND a.grantee <> c.relowner
     UNION ALL
    SELECT format('%s execute %s', p.oid::regprocedure,
                  has_function_privilege('magasin_web', p.oid, 'EXECUTE'))
      FROM pg_proc p
      LEFT JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e'
     WHERE p.pronamespace = 'public'::regnamespace AND d.objid IS NULL
     UNION ALL
    SELECT format('%s owner %s', relname, relowner::regrole) FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
       AND relname !~ '^(schema_migration|journal_[0-9]+)$') l
SQL
}

# A cluster with an archive

instance('start-db');
my $web   = instance('web-conninfo');
my $admin = instance('admin-conninfo');
my ($socket) = $admin =~ /host=(\S+)/;
$ENV{TEST_NGINX_DATABASE}       = $web;
$ENV{TEST_NGINX_ADMIN_DATABASE} = $admin;

my $archive = "$other/archive";
for my $directory ($archive, "$other/base") {
    mkdir $directory, 0700 or die "mkdir: $!\n";
    run("chown --reference=$other/data $directory");
}
# The first two lines of the chapter in docs/INSTALL.md.
MagasinTest::psql('-c', 'ALTER SYSTEM SET archive_mode = on', '-c',
    "ALTER SYSTEM SET archive_command = 'test ! -f $archive/%f && cp %p"
    . " $archive/.%f && mv $archive/.%f $archive/%f'");
instance('stop-postgres');
instance('start-postgres');
run("$server sh -c 'echo \"local replication postgres "
    . ($> == 0 ? 'peer map=magasin' : 'trust')
    . "\" >>$other/data/pg_hba.conf'");
MagasinTest::psql('-c', 'SELECT pg_reload_conf()');

instance('load-demo');

my $redis = instance('redis-socket');
my $nginx = MagasinCache->start(workers => 1,
    cache => "magasin_redis unix:$redis;");
my $before = MagasinTest::sql('SELECT max(id) FROM vente');
is(sell($nginx), 201, 'a sale before the backup');
my (undef, $early) = page($nginx, "$journal?limit=1");

run("$server pg_basebackup -h $socket -U postgres -D $other/base"
    . ' --checkpoint=fast --wal-method=none');
ok(-e "$other/base/backup_label", 'a base backup, while it serves');

is(sell($nginx), 201, 'a sale after it');
my $kept  = last_cursor($nginx);
my $known = MagasinTest::sql('SELECT max(id) FROM journal');
my @watched = ('/api/v1/products/1/', '/api/v1/stores/1/stock/1/',
    '/api/v1/stores/1/stock/list/', '/api/v1/dashboard/');
my %good = map { $_ => body($nginx, $_) } @watched;
my $rights = rights();
my $sales = MagasinTest::sql('SELECT count(*) FROM vente');
my $until = MagasinTest::sql('SELECT clock_timestamp()');

# The fault, and what comes after it and is lost with it

MagasinTest::sql("DELETE FROM ligne_vente WHERE vente_id > $before",
    "DELETE FROM vente WHERE id > $before",
    'UPDATE stock_local SET quantite = 0 WHERE produit_id <> 1');
is(MagasinTest::sql('SELECT count(*) FROM vente'), $sales - 2,
    'a wrong DELETE');
is(sell($nginx), 201, 'and a sale after it');
is(($nginx->put('/api/v1/products/1/', '{"prix":"66.60"}'))[0], 200,
    'and a price');
my $lost = last_cursor($nginx);
like(body($nginx, '/api/v1/products/1/'), qr/"prix":"66.60"/,
    'which the cache has');
isnt(body($nginx, $_), $good{$_}, "$_ has changed") for @watched;
my $reader = MagasinStream->open($nginx, id => $kept);

my $segment = MagasinTest::sql('SELECT pg_walfile_name(pg_switch_wal())');
ok(MagasinNginx::wait_for(sub { -e "$archive/$segment" }),
    'the log is in the archive');

# Back to the instant before; the nodes go on meanwhile.

instance('stop-postgres');
ok(MagasinNginx::wait_for(sub { $nginx->code('/readyz') == 503 }),
    'without a database no node is ready');
rename "$other/data", "$other/fault" or die "rename: $!\n";
rename "$other/base", "$other/data" or die "rename: $!\n";
run("$server sh -c 'cd $other/data; cat >>postgresql.auto.conf; "
    . "touch recovery.signal' <<'CONF'
restore_command = 'cp $archive/%f %p'
recovery_target_time = '$until'
recovery_target_action = 'promote'
CONF
");
instance('start-postgres');
ok(MagasinNginx::wait_for(sub {
    (eval { MagasinTest::sql('SELECT pg_is_in_recovery()') } // 't') eq 'f'
}), 'restored: PostgreSQL takes writes');

is(MagasinTest::sql('SELECT count(*) FROM vente'), $sales,
    'restored: the sales are back');
ok(MagasinNginx::wait_for(sub { $nginx->code('/readyz') == 200 }),
    'restored: the node is ready again');
# Perhaps less than half a second after a poll of the journal, for which an answer
# of the cache is used else.
is(body($nginx, $_), $good{$_}, "restored: nothing that was lost in $_")
    for @watched;
is(rights(), $rights, 'restored: all rights are what they were');

is(sell($nginx), 201, 'restored: it sells');
is(MagasinTest::sql('SELECT count(*) FROM journal_vie'), 2,
    'restored: in a second life of the database');
my $new = (page($nginx, "$journal?cursor=$kept&limit=1000"))[2];
is($new, MagasinTest::sql("SELECT string_agg(id::text, ' ' ORDER BY id)"
    . " FROM journal WHERE id > $known"), 'restored: a reader goes on');
unlike($new, qr/\A\z/, 'restored: and has news');
is((page($nginx, "$journal?cursor=$early&limit=3"))[2], '2 3 4',
    'restored: one that was behind misses nothing');
is(($nginx->get("$journal?cursor=$lost"))[0], 410,
    'restored: who read what is lost is told');
$reader = MagasinStream->open($nginx, id => $lost);
is($reader->status // '', 410, 'restored: in the stream, too');
$reader = MagasinStream->open($nginx, id => $kept);
is($reader->status // '', 200, 'restored: another stream goes on');
checks('restored', $admin);
is(MagasinTest::sql('SELECT entretien() IS NOT NULL'), 't',
    'restored: the maintenance runs');

ok($nginx->stop, 'a graceful stop');

# A dump, restored where nobody is a superuser and Magasin never was: roles,
# content, and what only migrate.sh does.

run("pg_dump -Fc -d '$admin' >$other/dump");
my $contents = MagasinTest::sql(q(SELECT md5(string_agg(j::text, '' ORDER BY
    xid, id)) FROM journal j));
{
    local $ENV{TEST_NGINX_ADMIN_DATABASE}
        = $admin =~ s/dbname=\S+/dbname=postgres/r;
    MagasinTest::psql(map { ('-c', $_) } 'DROP DATABASE magasin',
        'DROP ROLE magasin_owner', 'DROP ROLE magasin_web',
        'CREATE ROLE chef CREATEROLE',
        'CREATE DATABASE magasin OWNER chef ENCODING UTF8 TEMPLATE template0'
        . " LOCALE 'C.UTF-8' LOCALE_PROVIDER icu ICU_LOCALE 'fr'");
}
my $chef = "$admin options='-c role=chef'";
run("psql -X -q -v ON_ERROR_STOP=1 -d \"$chef\" -f sql/roles_before.sql"
    . ' -f sql/schema/001_roles.sql');
run("pg_restore --exit-on-error --no-owner --role=magasin_owner"
    . " -d \"$chef\" $other/dump");
run("scripts/migrate.sh \"$chef\"");
is(rights(), $rights, 'dumped: all rights are what they were');
checks('dumped', $chef);
is(MagasinTest::sql(q(SELECT md5(string_agg(j::text, '' ORDER BY xid, id))
    FROM journal j)), $contents, 'dumped: the journal is the same');

$nginx = MagasinCache->start(workers => 1,
    cache => "magasin_redis unix:$redis;");
is($nginx->code('/readyz'), 200, 'dumped: a node is ready');
is(sell($nginx), 201, 'dumped: and sells');
isnt((page($nginx, "$journal?cursor=$kept&limit=1000"))[2], '',
    'dumped: a reader goes on');
is(($nginx->get("$journal?cursor=$lost"))[0], 410,
    'dumped: and another one is told');
ok($nginx->stop, 'a graceful stop');

# Planted: what a restore of some tables alone would leave.

$ENV{DATABASE} = $admin;
MagasinTest::sql("SET magasin.entretien = 'oui'; DELETE FROM journal"
    . " WHERE id > $known");
isnt(system('scripts/check.sh ledger >/dev/null 2>&1'), 0,
    'planted: a journal that is older than the stock is found');
MagasinTest::sql('ALTER SEQUENCE vente_id_seq RESTART');
like(`scripts/check.sh doctor 2>&1`, qr/vente/,
    'planted: a sequence behind its rows is found');

done_testing();
