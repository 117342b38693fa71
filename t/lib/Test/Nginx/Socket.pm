package Test::Nginx::Socket;

# A compact harness for suites in the language of Test::Nginx::Socket; the
# documentation is at the end.

use strict;
use warnings;

use Test::Base ();
use Test::Nginx::Check ();
use Test::Nginx::Client ();
use Test::Nginx::Server ();
use Test::Nginx::Util ();
use Time::HiRes qw(sleep);

our @ISA = ('Test::Base');

our @EXPORT = qw(
    add_block_preprocessor add_cleanup_handler add_response_body_check
    bail_out check_accum_error_log config_preamble env_to_nginx html_dir
    is_str log_level master_off master_on no_long_string no_root_location
    no_shuffle repeat_each run_tests server_addr server_name server_port
    server_port_for_client server_root timeout worker_connections workers
    $ServerAddr $ServerPort
);

our ($ServerAddr, $ServerPort, $ServerPortForClient, $RepeatEach);

*ServerAddr          = \$Test::Nginx::Util::ServerAddr;
*ServerPort          = \$Test::Nginx::Util::ServerPort;
*ServerPortForClient = \$Test::Nginx::Util::ServerPortForClient;
*RepeatEach          = \$Test::Nginx::Util::RepeatEach;

my $reported = 0;

# Settings: each returns its value, and sets it when given one

sub setting {
    my ($variable, @value) = @_;
    $$variable = $value[0] if @value;
    return $$variable;
}

sub repeat_each { return setting(\$Test::Nginx::Util::RepeatEach, @_) }
sub workers     { return setting(\$Test::Nginx::Util::Workers,    @_) }
sub log_level   { return setting(\$Test::Nginx::Util::LogLevel,   @_) }
sub timeout     { return setting(\$Test::Nginx::Util::Timeout,    @_) }
sub server_name { return setting(\$Test::Nginx::Util::ServerName, @_) }
sub server_addr { return setting(\$Test::Nginx::Util::ServerAddr, @_) }

sub worker_connections {
    return setting(\$Test::Nginx::Util::WorkerConnections, @_);
}

sub server_port_for_client {
    return setting(\$Test::Nginx::Util::ServerPortForClient, @_);
}

sub server_port {
    my (@value) = @_;

    $Test::Nginx::Util::ServerPortForClient = $ENV{TEST_NGINX_SERVER_PORT}
        = $value[0]
        if @value;
    return setting(\$Test::Nginx::Util::ServerPort, @value);
}

sub config_preamble {
    return setting(\$Test::Nginx::Util::Preamble, @_);
}

sub html_dir         { return $Test::Nginx::Util::HtmlDir }
sub server_root      { return $Test::Nginx::Util::ServRoot }
sub no_long_string   { return }
sub no_shuffle       { return $Test::Nginx::Util::NoShuffle = 1 }
sub no_root_location { return $Test::Nginx::Util::NoRootLocation = 1 }
sub master_on        { return $Test::Nginx::Util::MasterProcess = 'on' }
sub master_off       { return $Test::Nginx::Util::MasterProcess = 'off' }

sub check_accum_error_log { return $Test::Nginx::Util::AccumErrorLog = 1 }

sub add_block_preprocessor {
    unshift @Test::Nginx::Util::BlockPreprocessors, @_;
    return;
}

sub add_cleanup_handler {
    push @Test::Nginx::Util::CleanupHandlers, @_;
    return;
}

sub add_response_body_check {
    push @Test::Nginx::Util::BodyChecks, @_;
    return;
}

sub is_str { return Test::Nginx::Check::same(@_) }

# "NAME" passes a variable on, "NAME=value" sets it as well.

sub env_to_nginx {
    for my $item (@_) {
        my ($name, $value) = split /=/, $item, 2;
        $ENV{$name} = $value if defined $value;
        push @Test::Nginx::Util::NginxEnv, $name;
    }
    return;
}

sub bail_out {
    my (@text) = @_;
    Test::More::BAIL_OUT(join '', @text);
    return;
}

# Running

sub run_tests {
    my @blocks = Test::Base::blocks();

    unless ($Test::Nginx::Util::NoShuffle) {
        require List::Util;
        @blocks = List::Util::shuffle(@blocks);
    }

    for my $signal (qw(INT TERM HUP)) {
        next if defined $SIG{$signal} && $SIG{$signal} ne 'DEFAULT';
        $SIG{$signal} = sub { exit 130 };
    }

    run_block($_) for @blocks;

    Test::Nginx::Server::stop();
    Test::Nginx::Server::check_sanitizer();
    $_->() for @Test::Nginx::Util::CleanupHandlers;

    $reported = 1;

    if (my @problems = Test::Nginx::Server::problems()) {
        Test::More::fail('nginx stayed sound');
        Test::More::diag($_) for @problems;
    }

    return;
}

sub run_block {
    my ($block) = @_;

    for my $code (@Test::Nginx::Util::BlockPreprocessors) {
        my $new = $code->($block);
        $block = $new
            if ref $new && eval { $new->isa('Test::Base::Block') };
    }

    my $name    = $block->name;
    my $builder = Test::More->builder;

    my ($todo) = defined scalar($block->todo)
        ? scalar($block->todo) =~ /^\s*\d+\s*:\s*(.*?)\s*$/s
        : ();

    $builder->todo_start($todo) if defined $todo;

    my $done = eval {
        my ($count, $reason) = skipped($block);

        if ($count) {
            $builder->skip("$name - $reason") for 1 .. $count;
        } else {
            perform($block, $name);
        }
        1;
    };

    unless ($done) {
        my $error = $@;
        chomp $error;
        Test::More::fail("$name - $error");
    }

    $builder->todo_end if defined $todo;
    return;
}

# How many tests to skip, and why.

sub skipped {
    my ($block) = @_;

    for my $section (qw(skip_nginx skip_nginx2)) {
        my $text = $block->$section;
        next unless defined $text;

        my ($count, $versions) = $text =~ /^\s*(\d+)\s*:\s*(.*?)\s*$/s
            or die "bad $section section\n";

        return ($count, "nginx $versions")
            if Test::Nginx::Util::version_matches($versions);
    }

    if (defined(my $text = $block->skip_eval)) {
        my ($count, $code) = $text =~ /^\s*(\d+)\s*:\s*(.*)$/s
            or die "bad skip_eval section\n";

        my $skip = eval "package main; $code";    ## no critic
        die "skip_eval: $@" if $@;
        return ($count, 'skip_eval') if $skip;
    }

    return 0;
}

sub perform {
    my ($block, $name) = @_;

    my $config = Test::Nginx::Util::config_text($block);
    my $repeat = $Test::Nginx::Util::RepeatEach;
    my $files  = $block->user_files;

    Test::More::diag("=== $name") if $Test::Nginx::Util::Verbose;

    if (defined scalar $block->must_die) {
        for my $i (0 .. $repeat - 1) {
            my $status = Test::Nginx::Server::run_to_death($config, $files);
            Test::Nginx::Server::excuse(
                Test::Nginx::Check::expectations($block));
            dead($block, $name, $status, $i);
        }
        return;
    }

    my $error = Test::Nginx::Server::ensure($config, $files);
    Test::Nginx::Server::excuse(Test::Nginx::Check::expectations($block));

    if (defined $error) {
        Test::More::fail("$name - nginx must start");
        Test::More::diag($error);
        return;
    }

    if (defined(my $init = $block->init)) {
        eval "package main; $init";    ## no critic
        die "init: $@" if $@;
    }

    for my $i (0 .. $repeat - 1) {
        Test::Nginx::Server::mark()
            if $i && !$Test::Nginx::Util::AccumErrorLog;

        my @results = Test::Nginx::Client::run($block);
        Test::Nginx::Check::responses($block, $name, \@results, $i);

        my $wait = $block->wait;
        sleep Test::Nginx::Util::parse_time($wait)
            if defined $wait && length $wait;

        Test::Nginx::Check::logs($block, $name, $i);
    }

    Test::Nginx::Server::check_alive();
    Test::Nginx::Server::scan($name);

    if (Test::Nginx::Check::has_shutdown_checks($block)) {
        Test::Nginx::Server::stop();
        Test::Nginx::Check::shutdown_logs($block, $name);
    }

    return;
}

sub dead {
    my ($block, $name, $status, $repeat) = @_;

    my $title = "$name - nginx must die";

    if (!defined $status) {
        Test::More::fail($title);
        Test::More::diag('nginx started');
        Test::Nginx::Server::stop();
    } else {
        Test::More::ok($status != 0 && !($status & 127), $title);
    }

    Test::Nginx::Check::logs($block, $name, $repeat);
    Test::Nginx::Server::scan($name);
    return;
}

END {
    if (Test::Nginx::Server::is_owner()) {
        my $status = $?;

        Test::Nginx::Server::stop();

        # a file that ended early has not told
        if (!$reported && (my @problems = Test::Nginx::Server::problems())) {
            Test::More::diag($_) for @problems;
            $status ||= 1;
        }

        $? = $status;
    }
}

# An eval section that does not compile must not become an expectation.

package Test::Nginx::Socket::Filter;

use Test::Base::Filter ();

our @ISA = ('Test::Base::Filter');

sub eval {
    my ($self, @values) = @_;

    my @result = $self->SUPER::eval(@values);
    die sprintf "%s: %s", $self->current_block->name, $@ if $@;
    return @result;
}

1;

__END__

=encoding utf8

=head1 NAME

Test::Nginx::Socket - runs suites in the language of Test::Nginx

=head1 SYNOPSIS

    use Test::Nginx::Socket 'no_plan';

    log_level('info');
    no_shuffle();
    run_tests();

    __DATA__

    === TEST 1: hello
    --- config
        location = /t { return 200 "hello\n"; }
    --- request
    GET /t
    --- response_body
    hello
    --- no_error_log
    [error]

=head1 DESCRIPTION

The suites are written for Test::Nginx and run unchanged under it. Where it is
not installed, C<prove -It/lib> finds this compact harness, which needs only
Test::Base (Debian: libtest-base-perl), nginx and, for HTTP/2, curl. It knows
the part of the language below. Where the two might differ, it takes the
reading that is harder to pass.

nginx is kept between blocks whose generated configuration is the same. Set
TEST_NGINX_FORCE_RESTART_ON_TEST=1 here, or =0 under the real Test::Nginx, to
have the same life of shared memory in both.

=head2 Soundness

At the end of a file one more test fails when, in any block, the error log had
a line at level alert, crit or emerg that no error_log, grep_error_log or
shutdown_error_log pattern of this block matches (after must_die all are
expected); when nginx died, ended with a status other than 0 or did not end
when told to; or when a sanitizer wrote a report. There is no such test when
all is well, so that planned numbers hold.

=head1 FUNCTIONS

Besides those of Test::Base (plan, blocks, diag, ...):

=over

=item repeat_each(N), workers(N), worker_connections(N), master_on(),
master_off(), log_level(LEVEL), timeout(SECONDS)

Defaults: 1, 1, 64, off, debug, 3. The debug level is slow with an nginx that
is built with debugging: prefer C<log_level('info')>.

=item no_shuffle()

Without it blocks run in random order.

=item no_root_location()

Leaves C<location /> out of the generated server; a suite that has its own
needs this.

=item check_accum_error_log()

Logs are checked over all repetitions of a block, not over each.

=item add_block_preprocessor(SUB)

The last one runs first.

=item add_response_body_check(SUB),
add_cleanup_handler(SUB), config_preamble(TEXT),
env_to_nginx('NAME', 'NAME=value'), bail_out(TEXT), is_str(GOT, WANTED, NAME)

=item server_root(), html_dir(), server_addr(), server_port(), server_name(),
server_port_for_client()

The variables C<$ServerAddr> and C<$ServerPort> are exported too.

=item no_long_string()

Has no effect: long texts are always shortened.

=back

=head1 SECTIONS

=head2 Configuration

=over

=item main_config, http_config, config, post_main_config

Text for the main level, http, the test server, the end of the file. An
environment variable C<$TEST_NGINX_...> is replaced by its value; one that is
not set is an error. TEST_NGINX_SERVER_PORT, TEST_NGINX_SERVER_ROOT and
TEST_NGINX_HTML_DIR are always set here; for the real Test::Nginx write
C<< $ENV{TEST_NGINX_HTML_DIR} ||= html_dir(); >>.

=item server_name, log_level

For one block.

=item user_files

Files below html: C<< >>> name [YYYYMMDDhhmm.ss] >>, then the text; or an array
of [name, text, stamp]; or a hash.

=item init

Perl code, run once per block when nginx is up. A block that reloads nginx
needs master_on(): a single process does not reload.

=item must_die

nginx must refuse to start. No request is sent; error_log sees its messages.

=item http2

Speaks HTTP/2 without TLS, by curl. The test port then speaks nothing else
with nginx before 1.25.1. curl 7.88 may fail when a response ends before nginx
has read the body: let such blocks have none.

=back

=head2 Requests

=over

=item request

C<METHOD URI [HTTP/1.x]>, then the body. The method is GET when there is only
a URI. White space around the body is dropped and Content-Length is added,
unless more_headers has a Content-Length or says chunked. C<request eval> may
give an array: so many requests, each on its own connection, and expectations
that are arrays of as many items. An item may itself be an array of packets: a
packet is a text or a hash of value, delay_before and delay_after (seconds).

=item pipelined_requests

An array of such requests, sent at once on one connection.

=item raw_request

What goes over the wire, a text or an array of packets with
raw_request_middle_delay seconds between them. One response is read; let it
ask for C<Connection: close>, as the real Test::Nginx reads to the end.

=item more_headers

Header lines; an array with several requests. Host and C<Connection: close>
are sent unless given here.

=item timeout, abort, shutdown

Seconds (or C<100ms>) without progress after which the client gives up, 20
unless told otherwise; with abort giving up is no failure. shutdown (1 unless
0 or 2) shuts that half of the connection after the request.

=item ignore_response

The response is read, and nothing of it checked.

=back

=head2 Expectations

Each is one test per request and repetition, unless it says otherwise.

=over

=item error_code, error_code_like

200 unless told otherwise, always tested.

=item response_body, response_body_like, response_body_unlike

The whole body or a pattern. A pattern in lines of its own ends with a newline
that counts: write it after a colon, or C<response_body_like chomp>.

=item response_body_filters

Functions by name (uc, lc, ucfirst, length, md5_hex, or one of package main)
or code references, applied to the body first.

=item response_headers, response_headers_like

One test per line, C<Name: value>, or C<! Name> for a header that must not be
there. The pattern must match the whole value. Headers of the same name are
joined by ", ".

=item raw_response_headers_like, raw_response_headers_unlike

Patterns for the status line and the headers, each with its CRLF.

=item error_log, no_error_log, access_log, no_access_log

One test per line of the section, each a text to be found in some line or no
line of the log, or the patterns of an array. A missing line gets half a
second to come.

=item grep_error_log, grep_error_log_out

All matches in the error log, one a line; with an array, one item for each
repetition.

=item shutdown_error_log, no_shutdown_error_log

The same for lines written while nginx stops; it is stopped after this block.

=item curl_error

The message of curl when it must fail.

=item wait

Seconds before the logs are read.

=back

=head2 Selection

ONLY, SKIP and LAST as in Test::Base. C<< skip_nginx: 3: < 1.25.1 >> (and
skip_nginx2) skips so many tests with such versions, C<skip_eval: 3: CODE> when
the code is true. C<todo: 3: reason> marks a block as one to do.

=head1 ENVIRONMENT

=over

=item TEST_NGINX_BINARY

The nginx to run; otherwise the first in PATH, /usr/local/sbin or /usr/sbin.

=item TEST_NGINX_LOAD_MODULES

Paths of dynamic modules, separated by spaces.

=item TEST_NGINX_PORT, TEST_NGINX_SERVROOT

1984 and t/servroot. With TEST_NGINX_RANDOMIZE=1 a free port, and a server
root that ends with it, for C<prove -j>.

=item TEST_NGINX_TIMEOUT, TEST_NGINX_LOG_LEVEL, TEST_NGINX_NO_SHUFFLE,
TEST_NGINX_VERBOSE

Defaults of the functions above; the last shows requests and responses.

=item TEST_NGINX_START_TIMEOUT, TEST_NGINX_STOP_TIMEOUT

Seconds to start (20) and to stop (10).

=item TEST_NGINX_SANITIZER_LOG

The log_path of the sanitizers: a report in a file whose name begins so fails
the suite. Empty files do not count.

=back

TEST_NGINX_SLEEP and TEST_NGINX_USE_HUP have no effect: the harness polls and
never sleeps, and always restarts. The pid of nginx is in logs/nginx.pid below
the server root, for blocks that send it signals. nginx is a child of the
test: wait for children of your own by their pid.

=cut
