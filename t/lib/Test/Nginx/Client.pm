package Test::Nginx::Client;

# Requests out, responses in: over a socket for HTTP/1.x, by curl for HTTP/2.

use strict;
use warnings;

use Errno qw(EAGAIN EINTR EWOULDBLOCK);
use IO::Select ();
use IO::Socket::INET ();
use POSIX ();
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Test::More ();
use Test::Nginx::Response ();
use Test::Nginx::Server ();
use Test::Nginx::Util ();
use Time::HiRes qw(sleep time);

# A packet is a text to send, maybe with a pause before or after it.

sub packets {
    my ($value) = @_;

    my @packets = map { ref $_ eq 'HASH' ? {%$_} : { value => $_ } }
        ref $value eq 'ARRAY' ? @$value : $value;

    for my $packet (@packets) {
        $packet->{value} = '' unless defined $packet->{value};
        utf8::encode($packet->{value})
            unless utf8::downgrade($packet->{value}, 1);
    }

    return @packets;
}

# "METHOD /uri [HTTP/1.x]", then the body.

sub parse_request {
    my ($text) = @_;

    $text =~ s/^(?:\s*#[^\n]*\n|\s*\n)+//;

    my ($line, $body) = split /\r?\n/, $text, 2;
    die "the request is empty\n" unless defined $line && $line =~ /\S/;

    my $version = $line =~ s{\s+(HTTP/\d+\.\d+)\s*$}{} ? $1 : 'HTTP/1.1';
    my ($method, $uri) = $line =~ /^\s*(\S+)(?:\s+(.*?))?\s*$/;

    ($method, $uri) = ('GET', $method) unless defined $uri && length $uri;

    return {
        method  => $method,
        uri     => $uri,
        version => $version,
        body    => defined $body ? $body : '',
    };
}

sub has_header {
    my ($headers, $name) = @_;
    return $headers =~ /^\Q$name\E[ \t]*:/im;
}

# The header lines of a request, each with its CRLF.

sub header_lines {
    my ($text) = @_;

    return '' unless defined $text;
    return join '', map {"$_\r\n"} grep {/\S/} split /\r?\n/, $text;
}

# Parses a request made of packets, and settles its body: white
# space around a body goes unless the headers give its framing.

sub request {
    my ($value, $more) = @_;

    my ($first, @rest) = packets($value);
    my $request = parse_request($first->{value});

    my $headers = header_lines($more);
    my $framed  = has_header($headers, 'Content-Length')
        || $headers =~ /^Transfer-Encoding[ \t]*:.*\bchunked\b/im;

    $request->{headers} = $headers;
    $request->{first}   = $first;
    $request->{rest}    = \@rest;

    return $request if $framed;

    if (@rest) {
        $request->{body} =~ s/^\s+//;
        $rest[-1]{value} =~ s/\s+$//;
    } else {
        $request->{body} =~ s/^\s+|\s+$//g;
    }

    my $length = length $request->{body};
    $length += length $_->{value} for @rest;

    $request->{length} = $length if $length;
    return $request;
}

sub wire_packets {
    my ($request, $connection) = @_;

    my $headers = $request->{headers};
    my $text = "$request->{method} $request->{uri} $request->{version}\r\n";

    $text .= "Host: $Test::Nginx::Util::ServerName\r\n"
        unless has_header($headers, 'Host');
    $text .= "Connection: $connection\r\n"
        unless has_header($headers, 'Connection');
    $text .= $headers;
    $text .= "Content-Length: $request->{length}\r\n"
        if defined $request->{length};
    $text .= "\r\n$request->{body}";

    return ({ %{ $request->{first} }, value => $text }, @{ $request->{rest} });
}

# Sends the packets and reads "expected" responses, one per method. Returns
# { responses, left, timed_out, error }.

sub talk {
    my (%arg) = @_;

    my $result  = { responses => [], left => '' };
    my $timeout = $arg{timeout};

    my $socket = IO::Socket::INET->new(
        PeerAddr => $Test::Nginx::Util::ServerAddr,
        PeerPort => $Test::Nginx::Util::ServerPortForClient,
        Timeout  => $timeout,
    );

    unless ($socket) {
        $result->{error} = "cannot connect: $@";
        return $result;
    }

    $socket->blocking(0);
    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;

    my $select  = IO::Select->new($socket);
    my @packets = @{ $arg{packets} };
    my @methods = @{ $arg{methods} };
    my $last    = time + $timeout;
    my ($out, $resume, $in, $eof, $closing, $shut) = ('', 0, '', 0, 0, 0);

    local $SIG{PIPE} = 'IGNORE';

    while (!$eof) {
        if ($out eq '' && @packets && time >= $resume) {
            my $packet = $packets[0];

            if ($packet->{delay_before}) {
                $resume = time + delete $packet->{delay_before};
                $last   = $resume + $timeout;
            } else {
                shift @packets;
                $out    = $packet->{value};
                $resume = time + ($packet->{delay_after} || 0);
                $last   = $resume + $timeout;
            }

            next if $out eq '' && @packets;
        }

        if (defined $arg{shutdown} && !$shut && $out eq '' && !@packets) {
            shutdown $socket, $arg{shutdown};
            $shut = 1;
        }

        my $now = time;

        if ($now >= $last) {
            $result->{timed_out} = 1;
            last;
        }

        my $patience = $last - $now;
        $patience = $resume - $now
            if @packets && $out eq '' && $resume - $now < $patience;
        $patience = 0 if $patience < 0;

        my ($readable, $writable) = IO::Select->select($select,
            $out eq '' ? undef : $select, undef, $patience);

        if ($writable && @$writable) {
            my $sent = syswrite $socket, $out, 65536;

            if (defined $sent) {
                substr $out, 0, $sent, '';
                $last = time + $timeout;
            } elsif (!try_again()) {
                # the server may have answered and closed: read on
                ($out, @packets) = ('');
            }
        }

        next unless $readable && @$readable;

        my $got = sysread $socket, $in, 65536, length $in;

        if (!defined $got) {
            next if try_again();
            $result->{reset} = "$!";
            $eof = 1;
        } elsif ($got == 0) {
            $eof = 1;
        } else {
            $last = time + $timeout;
        }

        while (@methods) {
            my $response
                = Test::Nginx::Response::parse(\$in, $methods[0], $eof)
                or last;
            shift @methods;
            push @{ $result->{responses} }, $response;
            $closing = $arg{to_eof} || $response->{close};
        }

        last unless @methods || $closing;
    }

    if (@methods && $in ne '') {
        my $response = Test::Nginx::Response::parse(\$in, $methods[0], 1);
        push @{ $result->{responses} }, $response if $response;
    }

    $result->{left} = $in;
    close $socket;
    return $result;
}

sub try_again {
    return $!{EAGAIN} || $!{EINTR} || $!{EWOULDBLOCK};
}

# HTTP/2, by prior knowledge.

sub curl {
    my (%arg) = @_;

    my $request = $arg{request};
    my $result  = { responses => [], left => '' };

    my @command = (
        'curl', '-q', '-sS', '-i', '--http2-prior-knowledge',
        '--path-as-is', '--globoff', '--noproxy', '*',
        '--max-time', $arg{timeout},
    );

    if ($request->{method} eq 'HEAD') {
        push @command, '--head';
    } else {
        push @command, '-X', $request->{method};
    }

    my $headers = $request->{headers};

    push @command, '-H', "Host: $Test::Nginx::Util::ServerName"
        unless has_header($headers, 'Host');

    for my $line (split /\r\n/, $headers) {
        $line =~ s/^([^:]+):\s*$/$1;/;
        push @command, '-H', $line;
    }

    my $body = join '', $request->{body},
        map { $_->{value} } @{ $request->{rest} };

    if (length $body) {
        my $path = "$Test::Nginx::Util::ServRoot/temp/curl.body";
        Test::Nginx::Server::write_file($path, $body);
        push @command, '-H', 'Content-Type:'
            unless has_header($headers, 'Content-Type');
        push @command, '--data-binary', "\@$path";
    }

    push @command, "http://$Test::Nginx::Util::ServerAddr:"
        . "$Test::Nginx::Util::ServerPortForClient$request->{uri}";

    my $errors = "$Test::Nginx::Util::ServRoot/temp/curl.err";

    my $child = open my $pipe, '-|';
    die "cannot fork: $!\n" unless defined $child;

    if ($child == 0) {
        open STDERR, '>', $errors;
        { no warnings 'exec'; exec {$command[0]} @command }
        print STDERR "cannot run curl: $!\n";
        POSIX::_exit(127);
    }

    binmode $pipe;
    my $in = do { local $/; <$pipe> };
    close $pipe;
    my $status = $? >> 8;

    if ($status) {
        my $text = Test::Nginx::Server::read_from($errors, 0);
        chomp $text;
        $result->{timed_out}  = $status == 28;
        $result->{curl_error} = $text;
        $result->{error}      = "curl failed ($status): $text"
            unless $result->{timed_out};
    }

    $in = '' unless defined $in;
    verbose('request',  join ' ', @command);
    verbose('response', $in);
    my $response = Test::Nginx::Response::parse(\$in, $request->{method}, 1);
    push @{ $result->{responses} }, $response if $response;
    return $result;
}

sub verbose {
    my ($title, $text) = @_;

    return unless $Test::Nginx::Util::Verbose;

    $text = substr($text, 0, 4096) . '...' if length $text > 4096;
    $text =~ s/\r/\\r/g;
    Test::More::diag("$title:\n$text");
    return;
}

# Runs all requests of a block. Returns one result per request:
# { response } and, when something failed, timed_out or error.

sub run {
    my ($block) = @_;

    my $timeout = $block->timeout;
    $timeout = $Test::Nginx::Util::Timeout unless defined $timeout;
    $timeout = Test::Nginx::Util::parse_time($timeout);

    my $shutdown = $block->shutdown;
    $shutdown = 1 if defined $shutdown && $shutdown !~ /^[012]$/;

    my %common = (timeout => $timeout, shutdown => $shutdown);
    my $more   = $block->more_headers;

    if (defined(my $raw = $block->raw_request)) {
        my @packets = packets($raw);
        my $delay   = $block->raw_request_middle_delay;

        if (defined $delay) {
            $_->{delay_before} = Test::Nginx::Util::parse_time($delay)
                for @packets[ 1 .. $#packets ];
        }

        my $text = join '', map { $_->{value} } @packets;
        my ($method) = $text =~ /^(\S+)/;

        return shot(
            %common,
            packets => \@packets,
            methods => [ defined $method ? $method : 'GET' ],
            to_eof  => scalar($text =~ /^Connection:[ \t]*close/im),
            raw     => 1,
        );
    }

    if (defined(my $list = $block->pipelined_requests)) {
        die "pipelined_requests wants an array\n" unless ref $list eq 'ARRAY';
        die "pipelined_requests cannot go over HTTP/2\n"
            if Test::Nginx::Util::wants_http2($block);

        my (@packets, @methods);

        for my $i (0 .. $#$list) {
            my $request = request($list->[$i], indexed($more, $i));
            push @methods, $request->{method};
            push @packets,
                wire_packets($request, $i == $#$list ? 'close' : 'keep-alive');
        }

        return shot(
            %common,
            packets => joined(@packets),
            methods => \@methods,
        );
    }

    my $value = $block->request;
    die "there is no request section\n" unless defined $value;

    my @results;
    my @values = ref $value eq 'ARRAY' ? @$value : $value;

    for my $i (0 .. $#values) {
        my $request = request($values[$i], indexed($more, $i));

        if (Test::Nginx::Util::wants_http2($block)) {
            my $result = curl(request => $request, timeout => $timeout);
            push @results,
                { %$result, response => $result->{responses}[0] };
            next;
        }

        push @results, shot(
            %common,
            packets => [ wire_packets($request, 'close') ],
            methods => [ $request->{method} ],
        );
    }

    return @results;
}

sub indexed {
    my ($value, $i) = @_;
    return ref $value eq 'ARRAY' ? $value->[$i] : $value;
}

# Pipelined requests without a pause between them leave in one piece.

sub joined {
    my @out;

    for my $packet (@_) {
        if (@out && !$out[-1]{delay_after} && !$packet->{delay_before}) {
            $out[-1]{value} .= $packet->{value};
            $out[-1]{delay_after} = $packet->{delay_after};
        } else {
            push @out, {%$packet};
        }
    }

    return \@out;
}

sub shot {
    my (%arg) = @_;

    verbose('request', join '', map { $_->{value} } @{ $arg{packets} });

    my $count  = @{ $arg{methods} };
    my $result = talk(%arg);
    my @got    = @{ $result->{responses} };

    verbose('response', $_->{raw} . "\r\n" . ($_->{body} || '')) for @got;

    $result->{error} = 'bytes after the last response: "'
        . substr($result->{left}, 0, 200) . '"'
        if !$arg{raw}
        && !$result->{timed_out}
        && @got == $count
        && length $result->{left};

    return map {
        {
            response => $got[$_],
            map { ($_ => $result->{$_}) } qw(timed_out error reset)
        }
    } 0 .. $count - 1;
}

1;
