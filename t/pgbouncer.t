# PgBouncer between the nodes and PostgreSQL, with conf/examples/pgbouncer.ini:
# what a node promises holds in session mode, and in transaction mode where
# PgBouncer knows of prepared statements; where it does not, the log says so.

use strict;
use warnings;

use lib 't/inc';
use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(sleep time);
use MagasinTest;
use MagasinNginx;
use MagasinCache;
use MagasinStandby;

# A command, for another one than the system's.
my @bouncer = split ' ', $ENV{TEST_NGINX_PGBOUNCER} || 'pgbouncer';

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};
my ($version) = `PATH=\$PATH:/usr/sbin; @bouncer --version 2>&1`
    =~ /PgBouncer (\d+\.\d+)/;
plan skip_all => 'pgbouncer is not installed (scripts/packages.sh test)'
    unless $version;
diag("PgBouncer $version");

my ($major, $minor) = split /\./, $version;
my $prepared = $major > 1 || $minor >= 21;

my $top = $MagasinTest::Top;
my $direct = $ENV{TEST_NGINX_DATABASE};
my ($sockets) = $direct =~ /host=(\S+)/;

# PgBouncer refuses to run as root: it is the user of the workers then, whom
# PostgreSQL takes for magasin_web.
my $user = $> == 0 ? 'magasin' : scalar getpwuid $>;
$ENV{PATH} .= ':/usr/sbin';

sub instance {
    my (@command) = @_;
    local $ENV{RUN_DIR} = $ENV{TEST_NGINX_RUN_DIR};
    system("$top/scripts/instance.sh @command >/dev/null 2>&1 </dev/null") == 0
        or die "instance.sh @command failed\n";
    return;
}

my @as = $> == 0 ? ('setpriv', '--reuid', $user, '--regid', $user,
    '--init-groups', '--') : ();
my $suite = $$;
my ($home, $pid);

END {
    my $status = $?;
    if ($$ == $suite) {
        kill 'KILL', $pid if $pid;
        MagasinTest::no_gates();
        eval { instance('start-postgres') };
        eval { unalter() };
        eval { MagasinTest::reset('DROP TABLE IF EXISTS temoin CASCADE',
            'DROP FUNCTION IF EXISTS temoigner() CASCADE') };
    }
    $? = $status;
}

# The example, with the paths and the user of the suite.
sub settings {
    my (%option) = @_;
    my $text = MagasinNginx::slurp("$top/conf/examples/pgbouncer.ini");
    $text =~ s{(/run/postgresql)|/run/pgbouncer}{$1 ? $sockets : $home}ge;
    if (($option{mode} // '') eq 'transaction') {
        $text =~ s/^pool_mode.*\n//m or die;
        $text =~ s/^;(pool_mode *= transaction)/$1/m or die;
        $text =~ s/^;(max_prepared_statements)/$1/m or die if $prepared;
    }
    for my $name (keys %{ $option{set} // {} }) {
        $text =~ s/^;?\Q$name\E *=.*\n//mg;
        $text .= "$name = $option{set}{$name}\n"
            if defined $option{set}{$name};
    }
    open my $file, '>', "$home/pgbouncer.ini" or die "pgbouncer.ini: $!\n";
    print {$file} $text, "logfile = $home/pgbouncer.log\n";
    close $file;
    return;
}

sub bouncer_log { return MagasinNginx::slurp("$home/pgbouncer.log") }

sub start {
    unlink "$home/.s.PGSQL.6432";
    $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        open STDOUT, '>>', '/dev/null';
        open STDERR, '>&', \*STDOUT;
        { exec @as, @bouncer, '-q', "$home/pgbouncer.ini" }
        require POSIX;
        POSIX::_exit(1);
    }
    MagasinNginx::wait_for(sub { -S "$home/.s.PGSQL.6432" })
        or die 'pgbouncer does not start: ' . bouncer_log();
    return;
}

sub stop {
    kill 'KILL', $pid;
    waitpid $pid, 0;
    undef $pid;
    return;
}

sub bouncer {
    my (%option) = @_;
    stop() if $pid;
    $home = tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    if (@as) {
        my (undef, undef, $uid, $gid) = getpwnam $user;
        chown $uid, $gid, $home;
    }
    chmod 0755, $home;
    settings(%option);
    start();
    $ENV{TEST_NGINX_DATABASE}
        = "host=$home port=6432 dbname=magasin user=magasin_web";
    return;
}

sub backends {
    return MagasinTest::sql("SELECT count(*) FROM pg_stat_activity"
        . " WHERE usename = 'magasin_web'");
}

sub sale {
    my ($nginx, $key, $produit) = @_;
    my $body = sprintf '{"magasin":1,"lignes":[{"produit":%d,"quantite":1}]}',
        $produit // 4;
    return $nginx->ask(join "\r\n", 'POST /api/v1/sales/ HTTP/1.1',
        'Host: localhost', 'Authorization: Token token-430',
        'Content-Type: application/json', "Idempotency-Key: $key",
        'Content-Length: ' . length $body, 'Connection: close', '', $body);
}

sub sales {
    my ($key) = @_;
    return MagasinTest::sql('SELECT count(*) FROM idempotence'
        . " WHERE cle = '$key'");
}

sub price {
    my ($nginx, $product) = @_;
    my ($prix) = ($nginx->get("/api/v1/products/$product/"))[1]
        =~ /"prix":"([^"]+)"/;
    return $prix // 'none';
}

# What a sale finds in force: a trigger writes it down.
my @settings = qw(statement_timeout lock_timeout jit TimeZone DateStyle
    standard_conforming_strings default_transaction_isolation
    transaction_isolation idle_session_timeout work_mem application_name);

sub witness {
    MagasinTest::reset(
        'CREATE TABLE IF NOT EXISTS temoin (valeurs text)',
        'TRUNCATE temoin',
        'UPDATE stock_local SET quantite = 100000 WHERE magasin_id = 1'
            . ' AND produit_id = 4',
        'CREATE OR REPLACE FUNCTION temoigner() RETURNS trigger'
            . ' LANGUAGE plpgsql SECURITY DEFINER AS $$BEGIN'
            . ' INSERT INTO temoin SELECT ' . join(q( || '|' || ),
                map {"current_setting('$_')"} @settings)
            . '; RETURN NULL; END$$',
        'DROP TRIGGER IF EXISTS temoin ON vente',
        'CREATE TRIGGER temoin AFTER INSERT ON vente FOR EACH STATEMENT'
            . ' EXECUTE FUNCTION temoigner()');
    return;
}

sub in_force {
    my (%wanted) = @_;
    my @values = split /\|/, MagasinTest::sql(
        'SELECT valeurs FROM temoin ORDER BY ctid DESC LIMIT 1'), -1;
    my %found;
    @found{@settings} = @values;
    return join ', ', map {"$_=" . ($found{$_} // 'none')} sort keys %wanted;
}

my %wanted = (
    statement_timeout => '4s', lock_timeout => '20ms', jit => 'off',
    TimeZone => 'UTC', DateStyle => 'ISO, MDY',
    standard_conforming_strings => 'on',
    default_transaction_isolation => 'read committed',
    transaction_isolation => 'read committed',
    idle_session_timeout => '0', work_mem => '7MB',
    application_name => 'magasin',
);
my $wanted = join ', ', map {"$_=$wanted{$_}"} sort keys %wanted;

# Others have settings that would break the answers.
my @poison = map {"ALTER ROLE magasin_web IN DATABASE magasin SET $_"}
    q{"TimeZone" = 'Asia/Tokyo'}, q{"DateStyle" = 'SQL, MDY'}, q{jit = on},
    q{search_path = 'nowhere'}, q{lock_timeout = '9s'},
    q{default_transaction_isolation = 'serializable'};
my $cure = 'ALTER ROLE magasin_web IN DATABASE magasin RESET ALL';

my $unique = 0;

sub holds {
    my ($mode, %option) = @_;

    witness();
    MagasinTest::psql(map { ('-c', $_) } @poison);
    bouncer(mode => $mode, %option);
    $mode = $option{name} // $mode;

    my $conninfo = $ENV{TEST_NGINX_DATABASE};
    $ENV{TEST_NGINX_DATABASE} = "$conninfo options='-c work_mem=7MB'";
    my $nginx = MagasinCache->start(workers => 2,
        database => 'connections=3 timeout=4s lock_timeout=1s');

    is($nginx->code('/api/v1/products/1/'), 200, "$mode: a read");
    like(($nginx->get('/api/v1/dashboard/'))[1], qr/"chiffre_affaires"/,
        "$mode: a long read");
    my $key = 'bouncer-' . $$ . '-' . $unique++;
    is((sale($nginx, $key))[0], 201, "$mode: a sale");
    is(in_force(%wanted), $wanted, "$mode: with the settings of a node");
    is((sale($nginx, $key))[0], 201, "$mode: the same again");
    is(sales($key), 1, "$mode: is one");
    is(scalar(grep { (sale($nginx, "$key-$_"))[0] != 201 } 1 .. 20), 0,
        "$mode: further sales");
    is(MagasinTest::sql('SELECT count(*) FROM (SELECT DISTINCT valeurs FROM'
            . ' temoin) AS v'), 1, "$mode: all with these settings");

    # A batch has several transactions.
    my $csv = join "\r\n", 'POST /api/v1/products/batch/ HTTP/1.1',
        'Host: localhost', 'Authorization: Token token-430',
        'Content-Type: application/x-ndjson', 'Content-Length: %d',
        'Connection: close', '', '%s';
    my $rows = join '', map {qq({"nom":"Lot $_ $key","categorie":"Lot",)
        . qq("prix":"1.00","description":""}\n)} 1 .. 600;
    is(($nginx->ask(sprintf $csv, length $rows, $rows))[0], 200,
        "$mode: a batch of rows");

    # A lock of others: known after 20 ms, given up after a second.

    my $gate = MagasinTest::hold(
        'SELECT 1 FROM stock_local WHERE magasin_id = 1 AND produit_id = 4'
        . ' FOR UPDATE');
    my $begin = time;
    is((sale($nginx, "$key-locked"))[0], 503, "$mode: a locked row: 503");
    cmp_ok(time - $begin, '<', 3.5, "$mode: after the lock_timeout");
    is($nginx->code('/api/v1/products/2/'), 200, "$mode: others go on");
    MagasinTest::release($gate);
    is((sale($nginx, "$key-locked"))[0], 201, "$mode: and free: a sale");

    # Load, of more than there are sessions in transaction mode.

    my $load = $nginx->load(connections => 16, seconds => 1,
        requests => [ map { MagasinNginx::get_request($_) }
            map {("/api/v1/products/$_/", "/api/v1/stores/1/stock/list/?$_=",
                '/api/v1/dashboard/')} 1 .. 5 ])->finish;
    is($load->{sent}, $load->{200}, "$mode: reads under load");

    # The journal is followed, by the cache too.

    price($nginx, 3);
    MagasinTest::psql('-c', 'UPDATE produit SET prix = 31 WHERE id = 3');
    ok(MagasinNginx::wait_for(sub { price($nginx, 3) eq '31.00' }),
        "$mode: what others change is seen");

    # PgBouncer restarts.

    stop();
    ok(MagasinNginx::wait_for(sub { $nginx->code('/readyz', 10) == 503 }),
        "$mode: without PgBouncer: not ready");
    start();
    ok(MagasinNginx::wait_for(sub { $nginx->code('/readyz', 10) == 200 }),
        "$mode: PgBouncer is back: ready");
    ok(MagasinNginx::wait_for(sub { (sale($nginx, "$key-again"))[0] == 201 }),
        "$mode: a sale");
    is(in_force(%wanted), $wanted, "$mode: with the settings");
    MagasinTest::psql('-c', 'UPDATE produit SET prix = 32 WHERE id = 3');
    ok(MagasinNginx::wait_for(sub { price($nginx, 3) eq '32.00' }),
        "$mode: what others change is seen");

    # PostgreSQL restarts: sales with a key meanwhile are done once.

    my $child = fork // die;
    if ($child == 0) {
        instance('stop-postgres');
        instance('start-postgres');
        require POSIX;
        POSIX::_exit(0);
    }
    my $n = 0;
    my %codes;
    until (waitpid($child, 1) == $child) {
        my $once = "$key-restart-" . $n++;
        MagasinNginx::wait_for(sub {
            my ($code) = sale($nginx, $once);
            $codes{$code}++;
            $code == 201 });
    }
    is(join(',', grep { !/^(?:201|503|504)$/ } keys %codes), '',
        "$mode: PostgreSQL restarts: sales are made or refused");
    is(MagasinTest::sql('SELECT count(*) = count(DISTINCT cle) AND count(*) ='
            . " $n FROM idempotence WHERE cle LIKE '$key-restart-%'"), 't',
        "$mode: and each is one");
    ok(MagasinNginx::wait_for(sub { $nginx->code('/readyz', 10) == 200 }),
        "$mode: PostgreSQL is back: ready");
    ok(MagasinNginx::wait_for(sub { (sale($nginx, "$key-last"))[0] == 201 }),
        "$mode: a sale");
    is(in_force(%wanted), $wanted, "$mode: with the settings");
    MagasinTest::psql('-c', 'UPDATE produit SET prix = 33 WHERE id = 3');
    ok(MagasinNginx::wait_for(sub { price($nginx, 3) eq '33.00' }),
        "$mode: what others change is seen");

    MagasinTest::psql('-c', $cure);
    ok($nginx->reload, "$mode: a reload");
    is($nginx->code('/api/v1/products/1/'), 200, "$mode: a read after it")
        or diag(join "\n", (split /\n/, $nginx->log)[-30 .. -1]);
    ok($nginx->stop, "$mode: a graceful stop");
    is($nginx->complaints, '', "$mode: nothing alarming in the log");
    $ENV{TEST_NGINX_DATABASE} = $conninfo;
    return;
}

holds('session');
holds('session', name => 'options are refused',
    set => { ignore_startup_parameters => undef });

# A pool that is too small: what has a place serves, and nothing hangs.

{
    MagasinTest::reset();
    bouncer(set => { default_pool_size => 2 });
    my $nginx = MagasinNginx->start(workers => 1, unready => 1,
        database => 'connections=4 timeout=2s connect_timeout=1s');
    ok(MagasinNginx::wait_for(sub { $nginx->code('/readyz', 10) == 200 }),
        'a small pool: ready');
    my $begin = time;
    is($nginx->code("/api/v1/products/$_/"), 200, "a small pool: read $_")
        for 1 .. 3;
    cmp_ok(time - $begin, '<', 5, 'a small pool: at once');
    ok(MagasinNginx::wait_for(sub {
            $nginx->log =~ /no answer to the first statement in time/ }),
        'the log says that connections wait');
    is(backends(), 2, 'two sessions');

    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}

# Others have all of its places.

{
    bouncer(set => { default_pool_size => 2 });
    my @held = map {
        open my $psql, '|-', 'psql', '-X', '-q', '-o', '/dev/null', '-d',
            $ENV{TEST_NGINX_DATABASE} or die "psql: $!\n";
        $psql->autoflush(1);
        print {$psql} "SELECT 1;\n";
        $psql } 1 .. 2;
    ok(MagasinNginx::wait_for(sub { backends() == 2 }), 'all places are taken');

    my $nginx = MagasinNginx->start(workers => 1, unready => 1,
        database => 'connections=4 timeout=2s connect_timeout=1s');
    my $begin = time;
    is($nginx->code('/readyz', 20), 503, 'no place at all: not ready');
    cmp_ok(time - $begin, '<', 8, 'and that is said in time');
    is($nginx->code('/healthz'), 200, 'but alive');
    close $_ for @held;
    ok(MagasinNginx::wait_for(sub { $nginx->code('/readyz', 20) == 200 }),
        'the others leave: ready');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}

# Transaction mode

SKIP: {
    skip "PgBouncer $version knows of no prepared statements", 1
        if !$prepared;
    holds('transaction', set => { default_pool_size => 4 });
}

# A pooler that leads to a standby meanwhile, where a primary is to be found:
# its answers may be old.  The server only says that it is one, to what is
# planned anew.

{
    local @ENV{qw(TEST_NGINX_DATABASE TEST_NGINX_ADMIN_DATABASE)}
        = @ENV{qw(TEST_NGINX_DATABASE TEST_NGINX_ADMIN_DATABASE)};
    my $before = $sockets;
    my $server = MagasinStandby->primary;
    $server->sql('INSERT INTO produit (nom, categorie, prix, description)'
        . " VALUES ('Thé', 'Épicerie', 5, '')",
        'ALTER ROLE magasin_web SET plan_cache_mode = force_custom_plan');
    my $standby = sub {
        $server->sql('CREATE OR REPLACE FUNCTION pg_catalog.pg_is_in_recovery()'
            . ' RETURNS boolean LANGUAGE sql STRICT PARALLEL SAFE'
            . " AS 'SELECT $_[0]'");
    };
    $sockets = $server->{sockets};
    bouncer();
    $ENV{TEST_NGINX_DATABASE} .= ' target_session_attrs=read-write';
    my $nginx = MagasinNginx->start(workers => 1, http => 'magasin_zone'
        . ' led:2m; magasin_cache off;', database => 'timeout=2s');
    is(price($nginx, 1), '5.00', 'a primary: reads');
    $standby->('true');
    ok(MagasinNginx::wait_for(sub { price($nginx, 1) eq 'none' }, 10),
        'a standby: no reads');
    like($nginx->log, qr/it leads to a standby/, 'the log says so');
    $standby->('false');
    ok(MagasinNginx::wait_for(sub { price($nginx, 1) eq '5.00' }),
        'a primary again: reads');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
    stop();
    $server->stop('immediate');
    $sockets = $before;
}

# A former primary that still answers: PgBouncer leads to it again.

sub follows {
    my ($mode) = @_;
    local @ENV{qw(TEST_NGINX_DATABASE TEST_NGINX_ADMIN_DATABASE)}
        = @ENV{qw(TEST_NGINX_DATABASE TEST_NGINX_ADMIN_DATABASE)};
    my $before = $sockets;
    my $old = MagasinStandby->primary;
    $old->sql('INSERT INTO produit (nom, categorie, prix, description)'
        . " VALUES ('Thé', 'Épicerie', 1, '')");
    my $new = $old->standby;

    # In session mode connections keep their session, so all are made anew.
    my $lead = sub {
        my ($where) = @_;
        $sockets = $where->{sockets};
        settings(mode => $mode);
        if ($mode eq 'session') {
            stop();
            start();
        } else {
            kill 'HUP', $pid;
        }
    };

    $sockets = $old->{sockets};
    bouncer(mode => $mode);
    my $nginx = MagasinNginx->start(workers => 1, http => 'magasin_zone'
        . ' former:2m; magasin_cache off;', database => 'timeout=2s');
    my $set = sub {
        return ($nginx->put('/api/v1/products/1/', qq({"prix":"$_[0]"})))[0];
    };
    is($set->('5.00'), 200, "$mode: a primary: a write");
    $old->follows($new);
    $new->sql('SELECT pg_promote()', 'UPDATE produit SET prix = 6 WHERE id = 1');
    $lead->($new);
    ok(MagasinNginx::wait_for(sub { price($nginx, 1) eq '6.00' }),
        "$mode: another primary: reads");
    ok(MagasinNginx::wait_for(sub { $set->('7.00') == 200 }),
        "$mode: and writes");

    $lead->($old);
    # A write may be the primary's still, or fail since PgBouncer is not there.
    ok(MagasinNginx::wait_for(sub {
        return $set->('8.00') == 503 && $nginx->log =~ /it is a former primary/;
    }), "$mode: the former primary: no writes, and the log says so");
    # PgBouncer may still have a session of the primary, whose answers are right.
    my %seen = map { price($nginx, 1) => 1 } 1 .. 20;
    is(join(' ', grep { !/^(?:none|[78]\.00)$/ } keys %seen), '',
        "$mode: no reads");
    is($old->sql('SELECT prix FROM produit WHERE id = 1'), '5.00',
        "$mode: it got no write");
    $lead->($new);
    ok(MagasinNginx::wait_for(sub { $set->('9.00') == 200 }),
        "$mode: the primary again: writes");
    ok($nginx->stop, "$mode: a graceful stop");
    is($nginx->complaints, '', "$mode: nothing alarming in the log");
    stop();
    $_->stop('immediate') for $new, $old;
    $sockets = $before;
    return;
}

# Connections made while PgBouncer led to a standby, which became the primary.

sub promoted {
    local @ENV{qw(TEST_NGINX_DATABASE TEST_NGINX_ADMIN_DATABASE)}
        = @ENV{qw(TEST_NGINX_DATABASE TEST_NGINX_ADMIN_DATABASE)};
    my $before = $sockets;
    my $old = MagasinStandby->primary;
    $old->sql('INSERT INTO produit (nom, categorie, prix, description)'
        . " VALUES ('Thé', 'Épicerie', 5, '')");
    my $new = $old->standby;
    $old->follows($new);

    $sockets = $new->{sockets};
    bouncer(mode => 'transaction');
    my $nginx = MagasinNginx->start(workers => 1, unready => 1,
        http => 'magasin_zone promoted:2m; magasin_cache off;',
        database => 'timeout=2s');
    my $set = sub {
        return ($nginx->put('/api/v1/products/1/', qq({"prix":"$_[0]"})))[0];
    };
    ok(MagasinNginx::wait_for(sub { price($nginx, 1) eq '5.00' }),
        'a standby: reads');
    $new->sql('SELECT pg_promote()');
    ok(MagasinNginx::wait_for(sub { $set->('7.00') == 200 }),
        'it is promoted: writes');

    $sockets = $old->{sockets};
    settings(mode => 'transaction');
    kill 'HUP', $pid;
    ok(MagasinNginx::wait_for(sub { $set->('8.00') == 503 }),
        'the former primary: no writes');
    my %seen = map { price($nginx, 1) => 1 } 1 .. 20;
    is(join(' ', keys %seen), 'none', 'no reads');
    is($old->sql('SELECT prix FROM produit WHERE id = 1'), '5.00',
        'it got no write');

    $sockets = $new->{sockets};
    settings(mode => 'transaction');
    kill 'HUP', $pid;
    ok(MagasinNginx::wait_for(sub { $set->('9.00') == 200 }),
        'the primary again: writes');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
    stop();
    $_->stop('immediate') for $new, $old;
    $sockets = $before;
    return;
}

# A table is locked while connections are made: they are in service without its
# statements, and prepare them later.

sub locked {
    MagasinTest::reset();
    bouncer(mode => 'transaction');
    my $gate = MagasinTest::hold('LOCK TABLE comptage');
    my $nginx = MagasinNginx->start(workers => 1, unready => 1,
        database => 'connections=3 timeout=2s');
    ok(MagasinNginx::wait_for(sub { $nginx->code('/readyz', 10) == 200 }),
        'a locked table: ready');
    is($nginx->code('/api/v1/products/1/'), 200, 'a read of another one');
    is($nginx->code('/api/v1/counts/'), 503, 'its own statements: 503');
    is($nginx->code('/api/v1/products/1/'), 200, 'and others go on');
    MagasinTest::release($gate);
    ok(MagasinNginx::wait_for(sub { $nginx->code('/api/v1/counts/') == 200 }),
        'it is free: 200');
    ok($nginx->log !~ /already in use/, 'no connection was lost by it');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
    return;
}

# The answer of a statement has another type: PgBouncer's sessions keep the
# statement as it was, and new connections to it would be of no use.

sub alter {
    return MagasinTest::psql('--single-transaction', map { ('-c', $_) } @_);
}

sub unalter {
    return alter('DROP VIEW produit',
        'ALTER TABLE produit_avant RENAME TO produit');
}

sub altered {
    MagasinTest::reset();
    bouncer(mode => 'transaction');
    my $nginx = MagasinNginx->start(workers => 1, http => 'magasin_zone'
        . ' altered:4m; magasin_cache off;',
        server => 'location = /metrics { magasin_metrics; }',
        database => 'connections=3 timeout=2s');
    my $get = sub { $nginx->code('/api/v1/products/1/') };
    is($get->(), 200, 'a read');
    alter('ALTER TABLE produit RENAME TO produit_avant',
        'CREATE VIEW produit AS SELECT id, nom, categorie, prix,'
        . ' description::varchar, archive_le FROM produit_avant',
        'GRANT SELECT ON produit TO magasin_web');
    is(join(' ', map { $get->() } 1 .. 5), '503 503 503 503 503',
        'another type: 503');
    is($nginx->code('/api/v1/stores/1/'), 200, 'others go on');
    like(($nginx->get('/metrics'))[1],
        qr/^magasin_postgresql_connections_lost_total 0$/m,
        'no connection is lost by it');
    is(system(@as, 'psql', '-X', '-q', '-h', $home, qw(-p 6432 -U pgbouncer
        -o /dev/null -c RECONNECT pgbouncer)), 0, 'RECONNECT');
    ok(MagasinNginx::wait_for(sub { $get->() == 200 }), 'a read');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
    unalter();
    return;
}

follows('session');
SKIP: {
    skip "PgBouncer $version knows of no prepared statements", 1
        if !$prepared;
    follows('transaction');
    promoted();
    locked();
    altered();
}

# Where sessions are shared without that, the log and /readyz say so.

{
    MagasinTest::reset();
    bouncer(mode => 'transaction', set => {
        default_pool_size => 1, $prepared
        ? (max_prepared_statements => 0) : () });
    my $nginx = MagasinNginx->start(workers => 1, unready => 1,
        database => 'connections=3 connect_timeout=1s');
    ok(MagasinNginx::wait_for(sub {
            $nginx->log =~ /a pooler gives it sessions with the prepared/ }),
        'sessions of others: the log says so');
    ok(MagasinNginx::wait_for(sub { $nginx->code('/readyz', 20) == 503 }),
        'and /readyz refuses');
    ok($nginx->reload, 'new workers');
    ok(MagasinNginx::wait_for(sub { $nginx->code('/readyz', 20) == 503 }),
        'and theirs');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}

done_testing();
