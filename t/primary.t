# Several servers of one replication: the node finds the primary, follows it,
# and uses nothing of a former primary that still answers.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use File::Temp qw(tempdir);
use MagasinTest;
use MagasinNginx;
use MagasinStandby;
use MagasinCache;

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};

# Two clusters, each in a directory of its own.
my ($old, $new) = map {
    my $directory = tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    chmod 0755, $directory;
    $directory } 1, 2;

sub instance {
    my ($where, $command) = @_;
    local $ENV{RUN_DIR} = $where;
    my $output = `scripts/instance.sh $command 2>&1 </dev/null`;
    die "$command: $output\n" if $?;
    chomp $output;
    return $output;
}

END {
    my $status = $?;
    eval { instance($old, 'stop') } if -e "$old/data";
    eval { standby('stop', '-m', 'immediate') } if -e "$new/data/postmaster.pid";
    $? = $status;
}

my ($database, $admin, $first, $second);

sub sql {
    my ($where, @statements) = @_;
    local $ENV{TEST_NGINX_ADMIN_DATABASE}
        = $where eq $new ? $admin =~ s/host=\S+/host=$second/r : $admin;
    return MagasinTest::psql(map { ('-c', $_) } @statements);
}

sub price {
    my ($nginx) = @_;
    my ($prix) = ($nginx->get('/api/v1/products/1/'))[1]
        =~ /"prix":"([^"]+)"/;
    return $prix // 'none';
}

# Each worker finds the primary by itself, and refuses until then.
sub accepted {
    my ($nginx, $prix) = @_;
    return MagasinNginx::wait_for(sub { set($nginx, $prix) == 200 });
}

sub set {
    my ($nginx, $prix) = @_;
    return ($nginx->put('/api/v1/products/1/', qq({"prix":"$prix"})))[0];
}

# Whether the price is this one in all of so many answers.
sub always {
    my ($nginx, $prix, $n) = @_;
    my %seen = map { price($nginx) => 1 } 1 .. $n;
    return join ' ', sort keys %seen;
}

# The server that is a standby at first; scripts/instance.sh would migrate it.
my ($bin) = glob '/usr/lib/postgresql/*/bin';
my @as;

sub standby {
    my ($command, @options) = @_;
    system(@as, "$bin/pg_ctl", $command, '-s', '-w', '-D', "$new/data",
        '-l', "$new/log", @options) == 0
        or die "pg_ctl $command: $?\n";
    return;
}

MagasinStandby::prepare($old);
instance($old, 'start-db');
$database = instance($old, 'web-conninfo');
$admin    = instance($old, 'admin-conninfo');
($first)  = $database =~ /host=(\S+)/;
$second   = "$new/sockets";

sql($old, 'INSERT INTO produit (nom, categorie, prix, description) VALUES'
    . " ('Thé', 'Épicerie', 1, '')");
instance($old, 'stop');
my $owner = (stat "$old/data")[4];
@as = ('runuser', '-u', scalar getpwuid $owner, '--') if $> != $owner;
system("cp -a $old/data $new/data && touch $new/data/standby.signal $new/log"
    . " && mkdir $new/sockets && chown --reference=$old/data"
    . " $new/data/standby.signal $new/log $new/sockets"
    . " && chmod 0755 $new/sockets") == 0
    or die "the standby cannot be made\n";
instance($old, 'start-db');
standby('start', '-o', "-c unix_socket_directories=$second"
    . " -c listen_addresses=''");

sub start {
    my ($hosts, %option) = @_;
    local $ENV{TEST_NGINX_DATABASE} = $database =~ s/host=\S+/host=$hosts/r;
    return MagasinCache->start(workers => 2, %option);
}

# A standby that is the first one

is(sql($new, 'SELECT pg_is_in_recovery()'), 't', 'a standby');
my $nginx = start("$second,$first");
ok(accepted($nginx, '5.00'), 'the standby is listed first: a write');
is(price($nginx), '5.00', 'the standby is listed first: a read');
is(sql($old, 'SELECT prix FROM produit WHERE id = 1'), '5.00',
    'the write went to the primary');

# A node that has the standby alone, and connects before it is promoted
my $early = start($second, unready => 1);
ok(MagasinNginx::wait_for(sub { price($early) eq '1.00' }), 'a standby alone: a read');

# The primary accepts no writes any more, but lives; then the standby is promoted

sql($old, 'ALTER SYSTEM SET default_transaction_read_only = on',
    'SELECT pg_reload_conf()');
ok(MagasinNginx::wait_for(sub { set($nginx, '5.00') == 503 }),
    'no server accepts writes: 503');
sql($new, 'SELECT pg_promote()', 'UPDATE produit SET prix = 6 WHERE id = 1');
ok(MagasinNginx::wait_for(sub { set($nginx, '7.00') == 200 }),
    'a primary that accepts no writes is left: writes go on');
is(sql($new, 'SELECT prix FROM produit WHERE id = 1'), '7.00',
    'they go to the other one');
ok(MagasinNginx::wait_for(sub { price($nginx) eq '7.00' }),
    'reads follow');
sql($old, 'ALTER SYSTEM RESET ALL', 'SELECT pg_reload_conf()');

# Other connections than the one that polls are made anew.
ok(MagasinNginx::wait_for(sub { price($early) eq '7.00' }), 'a standby alone: promoted');
ok($early->fill('/api/v1/products/1/'), 'a standby alone: what it answers is cached');
sql($new, 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity'
    . " WHERE usename = 'magasin_web' AND query NOT LIKE '%pg_snapshot%'");
ok(MagasinNginx::wait_for(sub { $early->code('/api/v1/stores/') == 200 }),
    'a standby alone: connected again');
ok($early->fill('/api/v1/products/1/'), 'a standby alone: cached again');
ok($early->stop, 'a standby alone: a graceful stop');

# The former primary comes back and would accept everything

ok($nginx->reload, 'a reload');
ok(MagasinNginx::wait_for(sub { $nginx->log =~ /it is a former primary/ }),
    'a former primary is recognized');
is(always($nginx, '7.00', 50), '7.00', 'and answers nothing');
ok(accepted($nginx, '8.00'), 'a write');
is(sql($old, 'SELECT prix FROM produit WHERE id = 1'), '5.00',
    'it gets no write');
ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');

# Nobody knows which one it is, and the former one is the first

for my $n (1 .. 3) {
    $nginx = start("$first,$second");
    ok(MagasinNginx::wait_for(sub { $nginx->log =~ /former primary/ }),
        "start $n: a former primary is recognized");
    is(always($nginx, '8.00', 20), '8.00', "start $n: it answers nothing");
    ok(accepted($nginx, '8.00'), "start $n: a write");
    ok($nginx->stop, "start $n: a graceful stop");
}

# Another configuration asks for the former one alone

{
    local $ENV{TEST_NGINX_DATABASE} = $database;
    $nginx = MagasinCache->start(workers => 1);
    is(price($nginx), '5.00', 'alone, it is the database');
    ok($nginx->stop, 'a graceful stop');
}

done_testing();
