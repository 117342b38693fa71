# Synchronous replication without a standby: commits do not return.  Writes get
# an error, reads go on, and connections are not piled up on the server.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use File::Temp qw(tempdir);
use POSIX qw(WNOHANG);
use MagasinTest;
use MagasinNginx;
use MagasinStandby;
use MagasinCache;

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};

# A server of its own: the setting is one of all databases.
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

END {
    my $status = $?;
    eval { instance('stop') } if -e "$other/data";
    $? = $status;
}

MagasinStandby::prepare($other);
instance('start-db');
$ENV{TEST_NGINX_DATABASE}       = instance('web-conninfo');
$ENV{TEST_NGINX_ADMIN_DATABASE} = instance('admin-conninfo');

sub sql {
    my (@statements) = @_;
    return MagasinTest::statements('SET synchronous_commit = local',
        @statements);
}

# Whether a commit waits for a standby, which ends then.
sub waits {
    my $mark = "waits-$$";
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        { no warnings 'exec';
          exec qw(psql -X -q -d),
              "$ENV{TEST_NGINX_ADMIN_DATABASE} application_name=$mark", '-c',
              q(SELECT pg_logical_emit_message(true, 't', 't')) }
        POSIX::_exit(127);
    }
    my ($waits, $ended) = (0, 0);
    until ($ended) {
        my $n = sql('SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity'
            . " WHERE wait_event = 'SyncRep' AND application_name = '$mark'");
        $waits = 1 if $n > 0;
        $ended = waitpid($pid, WNOHANG) == $pid;
    }
    return $waits;
}

# The setting counts when the checkpointer has read it, which tells the others.
sub standby {
    my ($name) = @_;
    sql("ALTER SYSTEM SET synchronous_standby_names = '$name'",
        'SELECT pg_reload_conf()');
    MagasinNginx::wait_for(sub { waits() == ($name ne '') })
        or die "the setting does not change\n";
    return;
}

sub backends {
    return sql("SELECT count(*) FROM pg_stat_activity"
            . " WHERE usename = 'magasin_web'");
}

sub waiting {
    return sql("SELECT count(*) FROM pg_stat_activity"
            . " WHERE wait_event = 'SyncRep'");
}

sql('INSERT INTO produit (nom, categorie, prix, description)'
    . " SELECT 'Produit ' || n, 'Divers', 1, '' FROM generate_series(1, 9) n");

# Three connections, and one of the poller of the cache.
my $connections = 4;
my $nginx = MagasinCache->start(workers => 1,
    database => 'connections=3 timeout=1s');

sub set {
    my ($id, $prix) = @_;
    return ($nginx->put("/api/v1/products/$id/", qq({"prix":"$prix"})))[0];
}

sub writes {
    my ($state) = ($nginx->get('/readyz'))[1] =~ /"writes":"([^"]+)"/;
    return $state // '';
}

# answers(COUNT): the statuses that a load was given.
sub answers {
    my ($count) = @_;
    return grep { /^\d{3}$/ && $count->{$_} } sort keys %$count;
}

is(set(1, '2.00'), 200, 'a write');

standby('absent');

my $load = $nginx->load(connections => 6, requests => [
    map { MagasinNginx::put_request("/api/v1/products/$_/", '{"prix":"3.00"}') }
        1 .. 6 ]);
ok(MagasinNginx::wait_for(sub { writes() eq 'stuck' }),
    'no standby: /readyz tells what writes meet');
is($nginx->code('/readyz'), 503, 'no standby: /readyz is 503');

my %codes;
for my $n (1 .. 40) {
    my $id = 1 + $n % 9;
    $codes{ $nginx->code("/api/v1/products/$id/availability/") }++;
    select undef, undef, undef, 0.1;
}
is_deeply(\%codes, { 200 => 40 }, 'no standby: reads that are not cached go on');
is($nginx->code('/api/v1/products/?limit=200'), 200, 'no standby: so do long ones');
cmp_ok(backends(), '<=', $connections,
    'no standby: the server has no more connections than before');
cmp_ok(waiting(), '>=', 1, 'no standby: commits wait');
my $count = $load->finish;
like(join(' ', answers($count)), qr/\A(?:50[34] ?)+\z/,
    'no standby: writes get an error');
like($nginx->log, qr/\[warn\].*does\ not\ return:
    \ is\ a\ synchronous\ standby\ missing/x, 'no standby: the log says so');
unlike($nginx->log, qr/no result after a timeout/,
    'no standby: no connection is replaced');

standby('');
ok(MagasinNginx::wait_for(sub { $nginx->code('/readyz') == 200 }),
    'back: /readyz');
is(set(2, '4.00'), 200, 'back: a write');
cmp_ok(backends(), '<=', $connections, 'back: the same connections');
ok(MagasinNginx::wait_for(sub { waiting() == 0 }), 'back: no commit waits');

# Somebody ends the wait of a commit.
standby('absent');
$load = $nginx->load(connections => 1, seconds => 0, requests => [
    MagasinNginx::put_request('/api/v1/products/7/', '{"prix":"77.00"}') ]);
ok(MagasinNginx::wait_for(sub { waiting() >= 1 }), 'a commit waits');
sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
    . " WHERE wait_event = 'SyncRep'");
$count = $load->finish;
like(join(' ', answers($count)), qr/\A50[34]\z/,
    'its wait is ended: the outcome is not told as a success');
is(sql('SELECT prix FROM produit WHERE id = 7'), '77.00',
    'its wait is ended: it is done here');
standby('');
ok(MagasinNginx::wait_for(sub { set(7, '78.00') == 200 }), 'back: a write');

# A reload while commits are stuck: the old worker ends.
standby('absent');
$load = $nginx->load(connections => 2, seconds => 0, requests => [
    map { MagasinNginx::put_request("/api/v1/products/$_/",
        '{"prix":"5.00"}') } 3, 4 ]);
ok(MagasinNginx::wait_for(sub { waiting() >= 1 }), 'a commit waits');
my ($old) = $nginx->workers;
ok($nginx->reload, 'a reload');
$load->finish;
ok(MagasinNginx::wait_for(sub { !-e "/proc/$old" }), 'the old worker ends');
is($nginx->code('/api/v1/products/3/'), 200, 'reads go on');
standby('');
ok(MagasinNginx::wait_for(sub { set(3, '6.00') == 200 }), 'back: a write');
# A batch, which is decided in one long write.
sub batch {
    my $answer = $nginx->fetch('/api/v1/products/batch/', method => 'POST',
        content => "id,prix\n5,55\n6,66\n", headers => {
            'Content-Type' => 'text/csv', Authorization => 'Token token-430' });
    return $answer->{status};
}

is(batch(), 200, 'a batch');
my $seen = length $nginx->log;
standby('absent');
like(batch(), qr/^50[34]$/, 'a batch whose commit does not return');
ok(MagasinNginx::wait_for(sub {
    substr($nginx->log, $seen) =~ /does\ not\ return/x }), '  waits');
like(batch(), qr/^50[34]$/, '  and another one');
is($nginx->code('/api/v1/reports/'), 200, '  long reads go on');
cmp_ok(waiting(), '<=', 2, '  one commit waits, and what began after it');
unlike(substr($nginx->log, $seen), qr/no result after a timeout/,
    '  no connection is replaced');
standby('');
ok(MagasinNginx::wait_for(sub { batch() == 200 }), 'back: a batch');

ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');

done_testing();
