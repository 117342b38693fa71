package Test::Nginx::Response;

# From bytes to responses.

use strict;
use warnings;

# Takes one response from the front of the buffer; undef when it is not all
# there. At the end of the stream what there is makes the response.

sub parse {
    my ($buffer, $method, $eof) = @_;

    my $start = 0;

    while (1) {
        my $end = index $$buffer, "\r\n\r\n", $start;
        return if $end < 0;

        my $head = substr $$buffer, $start, $end + 2 - $start;
        my $response = parse_head($head);
        $end += 4;

        unless ($response) {
            return unless $eof;
            return take($buffer, length $$buffer,
                { code => '', raw => $head, broken => 'bad status line' });
        }

        # interim responses are not the answer
        if ($response->{code} =~ /^1/ && $response->{code} ne '101') {
            $start = $end;
            next;
        }

        return parse_body($buffer, $end, $method, $eof, $response);
    }
}

sub parse_head {
    my ($head) = @_;

    my ($status, @lines) = split /\r\n/, $head;

    my ($version, $code)
        = $status =~ m{^(HTTP/\d+(?:\.\d+)?) (\d{3})(?: |$)} or return;

    my $response = {
        version => $version,
        code    => $code,
        raw     => $head,
        headers => {},
        body    => '',
    };

    for my $line (@lines) {
        unless ($line =~ /^([^:\s]+):[ \t]*(.*?)[ \t]*$/s) {
            $response->{broken} = "bad header line \"$line\"";
            next;
        }
        push @{ $response->{headers}{ lc $1 } }, $2;
    }

    my $connection = header($response, 'Connection');

    $response->{close} = defined $connection && $connection =~ /\bclose\b/i
        || $version eq 'HTTP/1.0';

    return $response;
}

sub header {
    my ($response, $name) = @_;

    my $values = $response->{headers}{ lc $name } or return;
    return join ', ', @$values;
}

sub take {
    my ($buffer, $end, $response) = @_;
    substr $$buffer, 0, $end, '';
    return $response;
}

sub parse_body {
    my ($buffer, $start, $method, $eof, $response) = @_;

    return take($buffer, $start, $response)
        if $method eq 'HEAD' || $response->{code} =~ /^(?:1..|204|304)$/;

    my $coding = header($response, 'Transfer-Encoding');

    return parse_chunks($buffer, $start, $eof, $response)
        if defined $coding && $coding =~ /\bchunked\b/i;

    my $there  = length($$buffer) - $start;
    my $length = header($response, 'Content-Length');

    if (!defined $length) {
        return unless $eof;
        $length = $there;
    } elsif ($length !~ /^\d+$/) {
        $response->{broken} = "bad Content-Length \"$length\"";
        $length = $there;
    } elsif ($there < $length) {
        return unless $eof;
        $response->{broken} = "body of $there bytes instead of $length";
        $length = $there;
    }

    $response->{body} = substr $$buffer, $start, $length;
    return take($buffer, $start + $length, $response);
}

sub parse_chunks {
    my ($buffer, $start, $eof, $response) = @_;

    my $body = '';
    my $at   = $start;

    while (1) {
        pos($$buffer) = $at;

        if ($$buffer =~ /\G([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n/gc) {
            my $size = hex $1;
            $at = pos $$buffer;

            if ($size == 0) {
                # trailers up to an empty line
                if ($$buffer =~ /\G(?:[^\r\n]+\r\n)*\r\n/gc) {
                    $response->{body} = $body;
                    return take($buffer, pos $$buffer, $response);
                }
                last;
            }

            last if length($$buffer) < $at + $size + 2;

            if (substr($$buffer, $at + $size, 2) ne "\r\n") {
                $response->{broken} = 'bad end of a chunk';
                last;
            }

            $body .= substr $$buffer, $at, $size;
            $at += $size + 2;
        } else {
            $response->{broken} = 'bad head of a chunk'
                if substr($$buffer, $at, 32)
                !~ /^(?:[0-9a-fA-F]{0,8}|[0-9a-fA-F]{1,8}[ \t;][^\n]*)\r?$/;
            last;
        }
    }

    return unless $eof || $response->{broken};

    $response->{broken} ||= 'the last chunk is missing';
    $response->{body} = $body;
    return take($buffer, length $$buffer, $response);
}

1;
