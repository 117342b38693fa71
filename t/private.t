# Where Prometheus has its data when RUN_DIR does not suit its user: in a place
# that no system sweeps, to which those of an older version move.

use strict;
use warnings;

use lib 't/inc';
use File::Temp qw(tempdir);
use Test::More;
use MagasinTest;
use MagasinNginx;

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};
plan skip_all => 'no module takes part' if $ENV{TEST_NGINX_ASAN};
plan skip_all => 'only root has other users'
    if $> != 0 || !getpwnam 'prometheus';

# A directory that the user of Prometheus cannot enter.
my $where = tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $link  = "$where/prometheus";

sub observability {
    my ($command) = @_;
    local %ENV = (%ENV, RUN_DIR => $where, INTERVAL => '1s',
        PROMETHEUS_PORT => MagasinNginx::free_port(), TARGETS => '127.0.0.1:9',
        GRAFANA_HOME => "$where/none");
    my $said = `scripts/start_observability.sh $command 2>&1 </dev/null`;
    is($?, 0, $command) or diag($said);
    return;
}

END {
    my $status = $?;
    system("RUN_DIR=$where scripts/start_observability.sh remove >/dev/null")
        if $where && -e $link;
    $? = $status;
}

observability('start');
my $home = readlink $link // '';
like($home, qr{\A/var/lib/magasin/prometheus\.\w{8}\z},
    'the data are where no system sweeps');
is((stat $home)[2] & 07777, 0750, 'where other users have no access');
ok(-d "$home/data/wal", 'they are there');
observability('start');
is(readlink $link // '', $home, 'another start has the same place');
observability('stop');

# As an older version made it
my $old = tempdir('/var/tmp/magasin-prometheus.XXXXXXXX', CLEANUP => 1);
rename "$home/data", "$old/data" or die "rename: $!\n";
system("rm -r $home");
open my $mark, '>', "$old/data/mark" or die "open: $!\n";
unlink $link;
symlink $old, $link or die "symlink: $!\n";
observability('start');
$home = readlink $link // '';
like($home, qr{\A/var/lib/magasin/prometheus\.}, 'an old place is left');
ok(-e "$home/data/mark", 'its data come along');
ok(!-e $old, 'and nothing stays behind');
observability('remove');
ok(!-e $home && !-l $link, 'all of it can be removed');

done_testing();
