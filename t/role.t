# Somebody has the web tier's role, as after a break-in of a worker: what else
# can he do with it than the worker could?  docs/SECURITY.md has the rest.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use MagasinTest;
use MagasinNginx;

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

my $web = $ENV{TEST_NGINX_DATABASE};

# as_web(STATEMENTS): whether psql took them all, and what it said
sub as_web {
    my ($text) = @_;
    my $pid = open(my $pipe, '-|') // die "fork: $!\n";
    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        exec qw(psql -X -q -A -t -v ON_ERROR_STOP=1 -d), $web, '-c', $text;
    }
    my $output = do { local $/; <$pipe> } // '';
    close $pipe;
    return ($? == 0, $output);
}

sub migrate {
    my $output = qx($MagasinTest::Top/scripts/migrate.sh '$ENV{TEST_NGINX_ADMIN_DATABASE}' 2>&1);
    return ($? == 0, $output);
}

# What an operator has not set is not the suite's to keep.
END {
    my $status = $?;
    MagasinTest::psql('-c', 'ALTER ROLE magasin_web RESET ALL',
        '-c', 'ALTER ROLE magasin_web IN DATABASE magasin RESET ALL',
        '-c', 'ALTER ROLE magasin_web PASSWORD NULL');
    migrate();
    $? = $status;
}

MagasinTest::reset();
my ($done, $said) = migrate();
ok($done, 'the rights can be given again') or diag $said;
is((migrate())[1], '', 'and then there is nothing to do');

# Each of them by itself is refused

my $refusal = join '|', 'permission denied', 'must be (?:owner|superuser)',
    'must have (?:admin|CREATEROLE)', 'cannot be renamed',
    'access to library "auto_explain" is not allowed';
my $other = MagasinTest::sql('SELECT pg_backend_pid()');
for my $statement (
    # large objects: storage without a table, in each way there is
    'SELECT lo_create(0)', 'SELECT lo_creat(-1)',
    q{SELECT lo_from_bytea(0, 'x')}, q{SELECT lo_import('/etc/hostname')},
    q{SELECT lo_export(1, '/tmp/x')}, 'SELECT lo_open(1, 131072)',
    q{SELECT lo_put(1, 0, 'x')}, 'SELECT lo_get(1)', 'SELECT lo_unlink(1)',
    q{SELECT lowrite(0, 'x')}, 'SELECT loread(0, 1)',
    'SELECT lo_truncate(0, 1)', 'SELECT data FROM pg_largeobject',
    # locks that outlive a transaction, or stand in somebody's way
    (map {("SELECT pg_${_}advisory_lock(430115, 1)",
           "SELECT pg_${_}advisory_lock(430115)",
           "SELECT pg_${_}advisory_xact_lock(1)",
           "SELECT pg_${_}advisory_xact_lock_shared(1, 1)",
           "SELECT pg_${_}advisory_lock_shared(1)")} '', 'try_'),
    'SELECT pg_advisory_unlock_all()',
    (map {"BEGIN; LOCK TABLE $_"} 'entretien_tour IN ACCESS SHARE MODE',
        'schema_migration IN ACCESS SHARE MODE',
        'produit IN ROW EXCLUSIVE MODE', 'produit', 'fenetre IN SHARE MODE',
        'stock_local IN ROW SHARE MODE'),
    'SELECT FROM stock_central FOR KEY SHARE',
    'SELECT FROM idempotence', 'SELECT FROM entretien_tour',
    # other sessions, its own role's too
    "SELECT pg_terminate_backend($other)", "SELECT pg_cancel_backend($other)",
    'SELECT pg_log_backend_memory_contexts(1)',
    # itself and other roles
    'ALTER ROLE magasin_web CONNECTION LIMIT -1',
    'ALTER ROLE magasin_web SUPERUSER', 'ALTER ROLE magasin_web CREATEROLE',
    'ALTER ROLE magasin_web RENAME TO other',
    q{ALTER ROLE magasin_web VALID UNTIL 'infinity'},
    q{ALTER ROLE magasin_owner PASSWORD 'x'}, 'CREATE ROLE t_other',
    'DROP ROLE magasin_web', 'GRANT magasin_owner TO magasin_web',
    'SET ROLE magasin_owner', 'SET SESSION AUTHORIZATION postgres',
    # settings that are for superusers
    'SET session_replication_role = replica', q{SET temp_file_limit = -1},
    'ALTER ROLE magasin_web RESET temp_file_limit',
    'ALTER ROLE magasin_web SET session_replication_role = replica',
    q{ALTER ROLE magasin_web SET session_preload_libraries = 'x'},
    q{ALTER DATABASE magasin SET work_mem = '1GB'},
    q{ALTER SYSTEM SET work_mem = '1GB'}, 'SELECT pg_reload_conf()',
    # objects of its own
    'CREATE TABLE t (i int)', 'CREATE TEMPORARY TABLE t (i int)',
    'CREATE SCHEMA t', 'CREATE EXTENSION dblink', 'CREATE PUBLICATION t',
    'CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql RETURN 1',
    q{CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p},
    # code, files, programs
    'DO $$ BEGIN LOOP END LOOP; END $$',
    q{COPY produit TO PROGRAM 'cat'}, q{COPY produit TO '/tmp/magasin'},
    q{COPY produit (nom) FROM PROGRAM 'id'},
    q{SELECT pg_read_file('postgresql.conf')}, q{SELECT pg_ls_dir('.')},
    'SELECT rolpassword FROM pg_authid', q{LOAD 'auto_explain'},
    # what goes to the log of changes, to disk and to standbys
    q{SELECT pg_logical_emit_message(false, 'x', 'x')},
    'SELECT pg_switch_wal()', q{SELECT pg_notify('a', 'b')},
    q{SELECT pg_create_physical_replication_slot('x')},
    )
{
    my ($accepted, $output) = as_web($statement);
    ok(!$accepted && $output =~ $refusal, "refused: $statement")
        or diag $output;
}

# What the catalogue says, so that a new version of PostgreSQL is noticed.

is(MagasinTest::sql(<<'SQL'), '', 'no large objects, advisory locks, signals');
SELECT p.oid::regprocedure
  FROM pg_proc p
 WHERE has_function_privilege('magasin_web', p.oid, 'EXECUTE')
   AND (proname ~ '^lo_' OR proname ~ 'advisory' OR proname ~ '^lo(read|write)$'
        OR proname ~ '^pg_(terminate|cancel|signal)'
        OR proname ~ 'emit_message')
SQL
is(MagasinTest::sql(<<'SQL'), '', 'a member of nothing, with no attribute');
SELECT rolname FROM pg_roles r
 WHERE rolname = 'magasin_web'
   AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication
        OR rolbypassrls
        OR EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid))
SQL
is(MagasinTest::sql(
        "SELECT rolconnlimit BETWEEN 1 AND current_setting('max_connections')"
        . "::integer - 10 FROM pg_roles WHERE rolname = 'magasin_web'"), 't',
    'connections are left for somebody else');
is(MagasinTest::sql(
        "SELECT has_database_privilege('magasin_web', 'magasin', 'TEMP')"
        . " OR has_database_privilege('magasin_web', 'magasin', 'CREATE')"),
    'f', 'nothing to make in the database');

# Idempotency keys want an advisory lock: the owner's functions have it.

{
    my $call = q{SELECT statut FROM vente_creer(1, '{4}', '{1}', '{NULL}',}
        . q{ 'a', 'role-key', 'digest')};
    my ($accepted, $output) = as_web($call);
    is($output, "201\n", 'a sale with a key is made') or diag $output;
    is((as_web($call))[1], "201\n", 'and answered again');
    is(MagasinTest::sql(
            q{SELECT count(*) FROM idempotence WHERE cle = 'role-key'}),
        1, 'once');
}

# The role can change settings of its own, and its password: PostgreSQL knows
# no way to forbid it.  The workers are what they were all the same, and the
# next migration takes them away.

{
    for my $setting (
        q{SET search_path = 'nowhere'},
        q{IN DATABASE magasin SET search_path = 'nowhere'},
        q{IN DATABASE magasin SET local_preload_libraries = 'nothing'},
        q{IN DATABASE magasin SET client_encoding = 'latin1'},
        q{IN DATABASE magasin SET statement_timeout = '1ms'},
        q{IN DATABASE magasin SET idle_session_timeout = '1ms'},
        q{IN DATABASE magasin SET default_transaction_isolation =}
            . q{ 'serializable'},
        q{IN DATABASE magasin SET "TimeZone" = 'Asia/Tokyo'},
        q{IN DATABASE magasin SET "DateStyle" = 'German'},
        q{IN DATABASE magasin SET jit = on},
        )
    {
        MagasinTest::psql('-c', 'SET ROLE magasin_web', '-c',
            "ALTER ROLE magasin_web $setting");
    }

    my $nginx = MagasinNginx->start(workers => 1);
    my ($status, $answer) = $nginx->get('/api/v1/products/1/');
    is($status, 200, 'poisoned: reads are answered');
    is(($nginx->put('/api/v1/products/1/', '{"nom":"Épée"}'))[0], 200,
        'poisoned: writes too');
    like(($nginx->get('/api/v1/products/1/'))[1], qr/"Épée"/,
        'poisoned: text is UTF-8');
    like(($nginx->get('/api/v1/sales/1/'))[1],
        qr/"date_vente":"\d{4}-\d\d-\d\dT[\d:.]+Z"/,
        'poisoned: instants are in UTC');
    select undef, undef, undef, 0.5;
    is($nginx->code('/readyz'), 200, 'poisoned: connections stay');
    ok($nginx->stop, 'poisoned: a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');

    ($done, $said) = migrate();
    ok($done, 'the next migration runs') or diag $said;
    like($said, qr/had settings of its own, which are taken away: .*search_path/,
        'and says what it has taken away');
    is(MagasinTest::sql(<<'SQL'), 'idle_in_transaction_session_timeout=10s,'
SELECT string_agg(c, ',' ORDER BY c)
  FROM pg_db_role_setting, unnest(setconfig) c
 WHERE setrole = 'magasin_web'::regrole
SQL
        . 'statement_timeout=60s,temp_file_limit=1GB',
        'what is left is what the rights say');
    is((migrate())[1], '', 'which is then in order');
}

# Left open, a transaction ends by itself.

{
    my ($accepted, $output) = as_web('SHOW idle_in_transaction_session_timeout');
    is($output, "10s\n", 'a forgotten transaction does not stay for ever');
    ($accepted, $output) = as_web('SHOW temp_file_limit');
    is($output, "1GB\n", 'nor do temporary files fill the disk');
}

# Its connections end where the limit is, and somebody else gets in.

{
    MagasinTest::psql('-c', 'ALTER ROLE magasin_web CONNECTION LIMIT 3');
    my @held;
    for (1 .. 3) {
        open my $pipe, '|-', 'psql', qw(-X -q -o /dev/null -d), $web or die;
        my $old = select $pipe; $| = 1; select $old;
        print {$pipe} "SELECT 1;\n";
        push @held, $pipe;
    }
    ok(MagasinNginx::wait_for(sub {
            MagasinTest::sql('SELECT count(*) FROM pg_stat_activity'
                . " WHERE usename = 'magasin_web'") == 3 }),
        'as many connections as it may have');
    my ($accepted, $output) = as_web('SELECT 1');
    ok(!$accepted && $output =~ /too many connections for role/,
        'the next one is refused') or diag $output;
    close $_ for @held;
    MagasinTest::psql('-c', 'ALTER ROLE magasin_web CONNECTION LIMIT -1');
    migrate();
    is(MagasinTest::sql('SELECT rolconnlimit > 3 FROM pg_roles'
                . " WHERE rolname = 'magasin_web'"), 't',
        'and -1 asks for the usual one');
}

MagasinTest::reset();
done_testing();
