package Test::Nginx::Check;

# What a block expects of its responses and its logs.

use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use Test::More ();
use Test::Nginx::Response ();
use Test::Nginx::Server ();
use Test::Nginx::Util ();
use Time::HiRes qw(sleep time);

# How long a line may take to reach a log after the response has been read.
my $grace = $Test::Nginx::Util::Timeout < 5 ? $Test::Nginx::Util::Timeout : 5;

my %filters = (
    uc      => sub { uc $_[0] },
    lc      => sub { lc $_[0] },
    ucfirst => sub { ucfirst $_[0] },
    length  => sub { length $_[0] },
    md5_hex => sub { md5_hex($_[0]) },
);

# With several requests, expectations are arrays of as many items.

sub expected {
    my ($value, $i, $count, $section) = @_;

    return unless defined $value;
    return $value->[$i] if ref $value eq 'ARRAY';

    die "you asked for many requests: $section must be an array as well\n"
        if $count > 1;

    return $value;
}

sub expand_port {
    my ($text) = @_;

    return $text if !defined $text || ref $text;

    $text =~ s/\$ServerPort\b/$Test::Nginx::Util::ServerPort/g;
    $text =~ s/\$ServerPortForClient\b
              /$Test::Nginx::Util::ServerPortForClient/gx;
    return $text;
}

sub shorten {
    my ($text, $at) = @_;

    my $from = $at > 60 ? $at - 60 : 0;
    my $part = substr $text, $from, 240;

    $part =~ s/\\/\\\\/g;
    $part =~ s/\n/\\n/g;
    $part =~ s/\r/\\r/g;
    $part =~ s/([^\x20-\x7e])/sprintf '\\x%02x', ord $1/ge;

    return ($from ? "...$part" : $part)
        . ($from + 240 < length $text ? '...' : '');
}

# Test::More::is shows both texts whole; a body may be a megabyte.

sub same {
    my ($got, $expected, $name) = @_;

    return Test::More::is($got, $expected, $name)
        if length($got) + length($expected) < 1000;

    return Test::More::pass($name) if $got eq $expected;

    my $difference = "$got" ^ "$expected";
    $difference =~ /^\0*/;
    my $at = $+[0];

    Test::More::fail($name);
    Test::More::diag(sprintf 'lengths: got %d, expected %d; differ at %d',
        length $got, length $expected, $at);
    Test::More::diag('     got: ', shorten($got, $at));
    Test::More::diag('expected: ', shorten($expected, $at));
    return 0;
}

sub matches {
    my ($text, $pattern, $name, $unlike) = @_;

    my $found = $text =~ $pattern;
    return Test::More::pass($name) if !$found == !!$unlike;

    my $at = $found ? $-[0] : 0;

    Test::More::fail($name);
    Test::More::diag('                  ', shorten($text, $at));
    Test::More::diag($unlike ? '          matches ' : "    doesn't match ",
        $pattern);
    return 0;
}

# Where the language leaves the flags open, the harness takes the reading that
# is harder to pass.

sub like_text {
    my ($text, $pattern, $name) = @_;
    return matches($text, ref $pattern ? $pattern : qr/$pattern/s, $name);
}

sub unlike_text {
    my ($text, $pattern, $name) = @_;

    unless (ref $pattern) {
        $pattern =~ s/\n\z//;
        $pattern = qr/$pattern/sm;
    }

    return matches($text, $pattern, $name, 1);
}

sub responses {
    my ($block, $name, $results, $repeat) = @_;

    my $count = @$results;

    for my $i (0 .. $#$results) {
        my $title = $count > 1 ? "$name - req $i" : $name;
        response($block, $title, $results->[$i], $i, $count, $repeat);
    }

    return;
}

sub transport {
    my ($block, $name, $result) = @_;

    if ($result->{timed_out} && !defined scalar $block->abort) {
        Test::More::fail("$name - the client timed out");
    }

    my $error = $result->{curl_error};

    if (defined(my $wanted = $block->curl_error)) {
        chomp $wanted unless ref $wanted;
        $wanted = qr/\Q$wanted\E/ unless ref $wanted;
        matches(defined $error ? $error : '', $wanted, "$name - curl_error");
        return;
    }

    Test::More::fail("$name - $result->{error}") if defined $result->{error};

    return if defined scalar $block->ignore_response;

    my $response = $result->{response};

    Test::More::fail("$name - broken response: $response->{broken}")
        if $response && $response->{broken} && !defined scalar $block->abort;

    return;
}

sub response {
    my ($block, $name, $result, $i, $count, $repeat) = @_;

    transport($block, $name, $result);

    return if defined scalar $block->ignore_response;

    my $response = $result->{response}
        || { code => '', raw => '', headers => {}, body => '' };

    my $want = sub {
        my ($section) = @_;
        return expand_port(
            expected(scalar $block->$section, $i, $count, $section));
    };

    # status
    if (defined(my $like = $want->('error_code_like'))) {
        like_text($response->{code}, $like, "$name - status code like");
    } else {
        my $code = $want->('error_code');
        $code = 200 unless defined $code;
        $code =~ s/\s+//g;
        Test::More::is($response->{code}, $code, "$name - status code")
            or Test::More::diag(
                  $result->{response}
                ? 'body: ' . shorten($response->{body}, 0)
                : join ': ', 'no response', $result->{reset} || ());
    }

    # headers
    if (defined(my $like = $want->('raw_response_headers_like'))) {
        like_text($response->{raw}, $like, "$name - raw response headers like");
    }

    if (defined(my $unlike = $want->('raw_response_headers_unlike'))) {
        unlike_text($response->{raw}, $unlike,
            "$name - raw response headers unlike");
    }

    if (defined(my $text = $want->('response_headers'))) {
        headers($response, $text, $name);
    }

    if (defined(my $text = $want->('response_headers_like'))) {
        headers_like($response, $text, $name);
    }

    # body
    my $body = filter_body($block, $response->{body});

    if (defined(my $text = $want->('response_body'))) {
        if (ref $text eq 'Regexp') {
            like_text($body, $text, "$name - response body");
        } elsif (ref $text eq 'CODE') {
            Test::More::ok($text->($body), "$name - response body");
        } else {
            same($body, $text, "$name - response body");
        }
    }

    if (defined(my $like = $want->('response_body_like'))) {
        like_text($body, $like, "$name - response body like");
    }

    if (defined(my $unlike = $want->('response_body_unlike'))) {
        unlike_text($body, $unlike, "$name - response body unlike");
    }

    $_->($block, $body, $i, $repeat, 0) for @Test::Nginx::Util::BodyChecks;
    return;
}

sub filter_body {
    my ($block, $body) = @_;

    my $list = $block->response_body_filters;
    return $body unless defined $list;

    for my $item (ref $list eq 'ARRAY' ? @$list : $list) {
        for my $filter (ref $item ? $item : split ' ', $item) {
            my $code = ref $filter ? $filter : $filters{$filter}
                || main->can($filter)
                or die "unknown response body filter $filter\n";
            $body = $code->($body);
        }
    }

    return $body;
}

sub headers {
    my ($response, $text, $name) = @_;

    for my $line (grep {/\S/} split /\r?\n/, $text) {
        if ($line =~ /^\s*!\s*(\S+?):?\s*$/) {
            my $header = $1;
            Test::More::is(Test::Nginx::Response::header($response, $header),
                undef, "$name - header $header is not present");
            next;
        }

        my ($header, $value) = $line =~ /^\s*([^:\s]+)\s*:\s*(.*?)\s*$/
            or die "bad line \"$line\" in response_headers\n";

        my $got = Test::Nginx::Response::header($response, $header);
        $got = '' unless defined $got;
        Test::More::is($got, $value, "$name - header $header");
    }

    return;
}

sub headers_like {
    my ($response, $text, $name) = @_;

    for my $line (grep {/\S/} split /\r?\n/, $text) {
        my ($header, $value) = $line =~ /^\s*([^:\s]+)\s*:\s*(.*?)\s*$/
            or die "bad line \"$line\" in response_headers_like\n";

        my $got = Test::Nginx::Response::header($response, $header);
        $got = '' unless defined $got;
        matches($got, qr/^$value$/, "$name - header $header like");
    }

    return;
}

# Logs

sub patterns {
    my ($value) = @_;

    return () unless defined $value;
    return map { patterns($_) } @$value if ref $value eq 'ARRAY';
    return $value if ref $value;
    return grep {/\S/} map { s/\r\z//r } split /\n/, expand_port($value);
}

# Patterns that excuse a grave line of this block.

sub expectations {
    my ($block) = @_;

    return qr/^/ if defined scalar $block->must_die;
    return map { patterns(scalar $block->$_) }
        qw(error_log grep_error_log shutdown_error_log);
}

sub found {
    my ($lines, $pattern) = @_;

    for my $line (@$lines) {
        return $line if Test::Nginx::Server::line_matches($line, $pattern);
    }

    return;
}

# Each pattern in some line, each a test. A log is written a little after a
# response has been read: a missing line gets some time.

sub some_line {
    my ($read, $patterns, $name) = @_;

    my $end   = time + $grace;
    my @lines = $read->();

    while (grep { !defined found(\@lines, $_) } @$patterns) {
        last if time >= $end;
        sleep 0.005;
        @lines = $read->();
    }

    for my $pattern (@$patterns) {
        Test::More::ok(defined found(\@lines, $pattern),
            "$name - pattern \"$pattern\" matches a line")
            or Test::More::diag('the log: ', @lines ? '' : 'no lines',
            map {"\n$_"} grep { !/ \[debug\] / } tail(\@lines));
    }

    return;
}

sub tail {
    my ($lines) = @_;
    return @$lines > 40 ? @{$lines}[ -40 .. -1 ] : @$lines;
}

sub no_line {
    my ($read, $patterns, $name) = @_;

    my @lines = $read->();

    # What a suite does to a server that has just started is no error of it.
    my @wrong = grep {
        my $line = $_;
        !grep { $line =~ $_ } @Test::Nginx::Util::ExpectedErrors
    } @lines;

    for my $pattern (@$patterns) {
        my $line = found($pattern eq '[error]' ? \@wrong : \@lines, $pattern);
        Test::More::ok(!defined $line,
            "$name - pattern \"$pattern\" matches no line")
            or Test::More::diag("the line: $line");
    }

    return;
}

sub logs {
    my ($block, $name, $repeat) = @_;

    my $died   = defined scalar $block->must_die;
    my $errors = sub {
        return (
            Test::Nginx::Server::log_lines($Test::Nginx::Util::ErrLogFile),
            $died ? Test::Nginx::Server::stderr_lines() : ()
        );
    };
    my $accesses = sub {
        return Test::Nginx::Server::log_lines($Test::Nginx::Util::AccLogFile);
    };

    grep_error_log($block, $name, $errors, $repeat);

    some_line($errors, [ patterns(scalar $block->error_log) ],
        "$name - error_log");
    some_line($accesses, [ patterns(scalar $block->access_log) ],
        "$name - access_log");
    no_line($errors, [ patterns(scalar $block->no_error_log) ],
        "$name - no_error_log");
    no_line($accesses, [ patterns(scalar $block->no_access_log) ],
        "$name - no_access_log");
    return;
}

sub grep_error_log {
    my ($block, $name, $errors, $repeat) = @_;

    my $pattern = $block->grep_error_log;
    return unless defined $pattern;

    my $wanted = $block->grep_error_log_out;
    $wanted = $wanted->[$repeat] if ref $wanted eq 'ARRAY';
    $wanted = '' unless defined $wanted;

    unless (ref $pattern) {
        $pattern =~ s/\n\z//;
        $pattern = qr/\Q$pattern\E/;
    }

    my $end = time + $grace;
    my $got;

    while (1) {
        my $text = join "\n", $errors->();
        $got = '';
        $got .= "$&\n" while $text =~ /$pattern/g;
        last if time >= $end;
        last if ref $wanted ? $got =~ $wanted : $got eq $wanted;
        sleep 0.005;
    }

    my $title = "$name - grep_error_log_out";
    return ref $wanted
        ? matches($got, $wanted, $title)
        : same($got, $wanted, $title);
}

sub has_shutdown_checks {
    my ($block) = @_;
    return defined scalar($block->shutdown_error_log)
        || defined scalar($block->no_shutdown_error_log);
}

sub shutdown_logs {
    my ($block, $name) = @_;

    my $read = \&Test::Nginx::Server::shutdown_lines;

    some_line($read, [ patterns(scalar $block->shutdown_error_log) ],
        "$name - shutdown_error_log");
    no_line($read, [ patterns(scalar $block->no_shutdown_error_log) ],
        "$name - no_shutdown_error_log");
    return;
}

1;
