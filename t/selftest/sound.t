# A suite fails when nginx was not sound, even if every expectation was met;
# and nginx is started and stopped when it should be.

use strict;
use warnings;

use File::Temp qw(tempdir);
use FindBin;
use IO::Socket::INET;
use lib "$FindBin::Bin/lib";

use Suite;
use Test::More;

# a line as nginx writes it, put into the log by the block itself
sub grave {
    my ($level, @sections) = @_;

    return config('--- init', <<"END", @sections);
open my \$log, '>>', \$Test::Nginx::Util::ErrLogFile;
print {\$log} "2030/01/01 00:00:00 [$level] 1#1: *1 something awful\\n";
END
}

for my $level (qw(alert crit emerg)) {
    fails("[$level] in the log", grave($level), why => qr/something awful/);
}

passes('[error] in the log', grave('error'), count => 1);
passes('[alert] that is expected', grave('alert', <<'END'), count => 2);
--- error_log
something awful
END
passes('[alert] that is expected by level', grave('alert', <<'END'),
--- error_log
[alert]
END
    count => 2);

fails('[alert] expected by another block', grave('alert') . config(<<'END'),
--- http_config
# another nginx
END
    why => qr/something awful/);

my $pid = <<'END';
open my $file, '<', $Test::Nginx::Util::PidFile;
my ($pid) = <$file> =~ /(\d+)/;
END

fails('nginx killed before the request', config("--- init\n$pid", <<'END'),
kill KILL => $pid;
select undef, undef, undef, 0.1;
END
    not_ok => 3,
    why    => qr/was killed by signal 9 while it was serving/);

fails('nginx killed after the last request', config(), why => qr/signal 11/,
    setup => <<"END");
add_response_body_check(sub { $pid kill SEGV => \$pid });
END

fails('nginx gone of its own', config(), why => qr/exited with status 0 while/,
    setup => <<"END");
add_response_body_check(sub { $pid kill TERM => \$pid;
    select undef, undef, undef, 0.1; });
END

passes('worker killed, and expected', config("--- init\n$pid", <<'END'),
my ($worker) = split ' ', `cat /proc/$pid/task/$pid/children`;
kill KILL => $worker;
select undef, undef, undef, 0.2;
--- error_log
exited on signal 9
END
    setup => "master_on();\n", count => 2);

fails('worker killed', config("--- init\n$pid", <<'END'),
my ($worker) = split ' ', `cat /proc/$pid/task/$pid/children`;
kill KILL => $worker;
select undef, undef, undef, 0.2;
END
    setup => "master_on();\n", why => qr/exited on signal 9/);

my $reports = tempdir(CLEANUP => 1);

fails('sanitizer report', config("--- init\n" . <<'END'),
open my $file, '>', "$ENV{TEST_NGINX_SANITIZER_LOG}.123";
print {$file} "ERROR: AddressSanitizer: heap-use-after-free\n";
END
    env => { sanitizer_log => "$reports/asan" },
    why => qr/heap-use-after-free/);

passes('sanitizer report of an earlier file', config(), count => 1,
    env => { sanitizer_log => "$reports/asan" });

# one nginx for blocks with the same configuration

my $two = <<'END';
=== TEST 1: first
--- config
location = /t { return 200 $connection; }
--- request
GET /t
--- response_body: 1
=== TEST 2: second
--- config
location = /t { return 200 $connection; }
--- request
GET /t
--- response_body: 2
END

passes('nginx is kept', $two, count => 4);
fails('nginx is restarted when told to', $two,
    env => { force_restart_on_test => 1 });

# a file that ends early leaves nothing behind

my $port = free_port();
my $run  = fails('die in the middle', config(), not_ok => 0,
    env   => { port => $port },
    after => "Test::Nginx::Server::ensure(Test::Nginx::Util::config_text("
        . "blocks()), undef);\ndie 'early';\n");

ok(IO::Socket::INET->new(
        LocalAddr => '0.0.0.0', LocalPort => $port,
        Listen    => 1,         ReuseAddr => 1
    ), 'nothing listens after it');

# a port in use

my $listener = IO::Socket::INET->new(LocalAddr => '0.0.0.0', Listen => 1);

fails('port in use', config(), not_ok => 0, why => qr/Bail out!.*is in use/,
    env => { port => $listener->sockport });

# an nginx that a killed run left behind

$port = free_port();

run_suite(config("--- init\nkill KILL => \$\$;"), env => { port => $port });
passes('after a killed run', config(), count => 1, env => { port => $port });

# many blocks have one nginx, which has counted their connections

passes('300 blocks', join('', map { <<"END" } 1 .. 300), count => 900);
=== TEST $_: one of many
--- config
location = /t { return 200 \$connection; }
--- request
GET /t
--- response_body: $_
--- no_error_log
[error]
END

done_testing();
