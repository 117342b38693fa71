package Test::Nginx::Util;

# Settings, paths and the generated nginx.conf. The suites use
# Test::Nginx::Socket, which documents all of it.

use strict;
use warnings;

use File::Spec ();
use IO::Socket::INET ();

our $ServerAddr = '127.0.0.1';
our $ServerName = 'localhost';
our $ServerPort = $ENV{TEST_NGINX_SERVER_PORT} || $ENV{TEST_NGINX_PORT} || 1984;
our $ServerPortForClient = $ENV{TEST_NGINX_CLIENT_PORT};

our $RepeatEach        = 1;
our $Workers           = 1;
our $WorkerConnections = 64;
our $MasterProcess     = 'off';
our $LogLevel          = $ENV{TEST_NGINX_LOG_LEVEL} || 'debug';
our $Timeout           = $ENV{TEST_NGINX_TIMEOUT}   || 20;
our $StartTimeout      = $ENV{TEST_NGINX_START_TIMEOUT} || 20;
our $StopTimeout       = $ENV{TEST_NGINX_STOP_TIMEOUT}  || 10;
our $NoShuffle         = $ENV{TEST_NGINX_NO_SHUFFLE}    || 0;
our $ForceRestart      = $ENV{TEST_NGINX_FORCE_RESTART_ON_TEST} || 0;
our $NoRootLocation    = 0;
our $AccumErrorLog     = 0;
our $Verbose           = $ENV{TEST_NGINX_VERBOSE} || 0;
our $Preamble          = '';

our (@BlockPreprocessors, @CleanupHandlers, @BodyChecks, @NginxEnv);

# Lines of the error log that "--- no_error_log [error]" does not mean.
our @ExpectedErrors;

my $root = $ENV{TEST_NGINX_SERVROOT} || File::Spec->catdir('t', 'servroot');

if ($ENV{TEST_NGINX_RANDOMIZE}) {
    $ServerPort = free_port();
    $root .= "_$ServerPort";
}

$ServerPortForClient ||= $ServerPort;

our $ServRoot   = File::Spec->rel2abs($root);
our $HtmlDir    = "$ServRoot/html";
our $ConfFile   = "$ServRoot/conf/nginx.conf";
our $ErrLogFile = "$ServRoot/logs/error.log";
our $AccLogFile = "$ServRoot/logs/access.log";
our $PidFile    = "$ServRoot/logs/nginx.pid";
our $StderrFile = "$ServRoot/logs/stderr.log";

$ENV{TEST_NGINX_SERVER_PORT} ||= $ServerPort;
$ENV{TEST_NGINX_HTML_DIR}    ||= $HtmlDir;
$ENV{TEST_NGINX_SERVER_ROOT} ||= $ServRoot;

my %build;

sub free_port {
    my $socket = IO::Socket::INET->new(
        LocalAddr => $ServerAddr,
        LocalPort => 0,
        Listen    => 1,
    ) or die "no free port: $@\n";

    return $socket->sockport;
}

sub port_is_free {
    my ($port) = @_;

    my $socket = IO::Socket::INET->new(
        LocalAddr => '0.0.0.0',
        LocalPort => $port,
        Listen    => 1,
        ReuseAddr => 1,
    ) or return 0;

    close $socket;
    return 1;
}

sub binary {
    return $ENV{TEST_NGINX_BINARY} if $ENV{TEST_NGINX_BINARY};

    my ($found) = grep { -x } map {"$_/nginx"} File::Spec->path,
        qw(/usr/local/sbin /usr/sbin);

    return $found || 'nginx';
}

# What "nginx -V" says: the version as three numbers and the build options.

sub build {
    return \%build if %build;

    my $binary = binary();
    my $text   = `'$binary' -V 2>&1`;

    die "cannot run $binary -V: ", ($text || $!), "\n"
        unless defined $text
        && $text =~ m{^nginx version: \S+?/(\d+)\.(\d+)\.(\d+)}m;

    %build = (
        version => [ $1, $2, $3 ],
        number  => $1 * 1_000_000 + $2 * 1_000 + $3,
        text    => $text,
    );

    return \%build;
}

sub version_at_least {
    my ($major, $minor, $patch) = @_;
    return build()->{number} >= $major * 1_000_000 + $minor * 1_000 + $patch;
}

# "< 1.25.1", or several of these joined by "and".

sub version_matches {
    my ($text) = @_;

    for my $term (split /\s+and\s+/, $text) {
        my ($op, @wanted)
            = $term =~ /^\s*(<=|>=|==|!=|<|>)\s*(\d+)\.(\d+)\.(\d+)\s*$/
            or die "bad version condition \"$term\"\n";

        my $order = build()->{number}
            <=> $wanted[0] * 1_000_000 + $wanted[1] * 1_000 + $wanted[2];

        my %holds = (
            '<'  => $order < 0,
            '>'  => $order > 0,
            '<=' => $order <= 0,
            '>=' => $order >= 0,
            '==' => $order == 0,
            '!=' => $order != 0,
        );

        return 0 unless $holds{$op};
    }

    return 1;
}

sub parse_time {
    my ($text) = @_;

    my ($number, $unit) = $text =~ /^\s*([\d.]+)\s*(ms|s|m)?\s*$/
        or die "bad time \"$text\"\n";

    return $number * { ms => 0.001, s => 1, m => 60 }->{ $unit || 's' };
}

sub expand_env {
    my ($text) = @_;

    return '' unless defined $text;

    $text =~ s{\$(TEST_NGINX_[_A-Z0-9]+)}{
        defined $ENV{$1} ? $ENV{$1} : die "No environment $1 defined.\n"
    }ge;

    return $text;
}

# Temporary files stay under the server root, so that an ordinary user can run
# a distribution's binary whose built-in paths belong to root. A suite that
# sets such a path itself wins.

sub temp_paths {
    my ($http) = @_;

    my $options = build()->{text};
    my $text    = '';

    for my $kind (qw(client_body proxy fastcgi uwsgi scgi)) {
        next if $options =~ /--without-http_${kind}_module/;
        next if $http    =~ /\b${kind}_temp_path\b/;
        $text .= "    ${kind}_temp_path $ServRoot/temp/$kind;\n";
    }

    return $text;
}

sub config_text {
    my ($block) = @_;

    my ($config, $http, $main, $post_main)
        = map { expand_env(scalar $block->$_) }
        qw(config http_config main_config post_main_config);

    my $server_name = $block->server_name;
    $server_name = $ServerName unless defined $server_name;
    $server_name =~ s/\s+\z//;

    my $level = $block->log_level;
    $level = $LogLevel unless defined $level;
    $level =~ s/\s+\z//;

    my ($listen, $http2) = ("listen $ServerPort", '');

    if (wants_http2($block)) {
        if (version_at_least(1, 25, 1)) {
            $http2 = "        http2 on;\n";
        } else {
            $listen .= ' http2';
        }
    }

    my @main = map {"load_module $_;"}
        split ' ', $ENV{TEST_NGINX_LOAD_MODULES} || '';

    push @main, 'user root;' if $> == 0;
    push @main,
        "worker_processes $Workers;",
        "master_process $MasterProcess;",
        'daemon off;',
        "error_log $ErrLogFile $level;",
        "pid $PidFile;",
        map {"env $_;"} @NginxEnv;

    my $text = join "\n", @main, $main, '';

    $text .= <<"END";

http {
    access_log $AccLogFile;
    default_type text/plain;
    keepalive_timeout 68;
END

    $text .= temp_paths("$http$Preamble$config");
    $text .= "\n$http\n";
    $text .= <<"END";
    server {
        $listen;
$http2        server_name '$server_name';
        client_max_body_size 30M;

$Preamble
$config
END

    $text .= <<"END" unless $NoRootLocation;
        location / {
            root $HtmlDir;
            index index.html index.htm;
        }
END

    $text .= <<"END";
    }
}

$post_main
events {
    accept_mutex off;
    worker_connections $WorkerConnections;
}
END

    return $text;
}

sub wants_http2 {
    my ($block) = @_;
    return defined scalar $block->http2;
}

1;
