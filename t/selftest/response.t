# The parser of responses, on whole, partial and broken ones.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;
use Test::Nginx::Response;

sub parse {
    my ($text, $method, $eof) = @_;

    my $response = Test::Nginx::Response::parse(\$text, $method || 'GET', $eof);
    return ($response, $text);
}

my $head = "HTTP/1.1 200 OK\r\nA: 1\r\nB: x\r\na: 2\r\n";

my @whole = (
    [ 'a length', "${head}Content-Length: 3\r\n\r\nabc", 'abc' ],
    [ 'no body', "${head}Content-Length: 0\r\n\r\n", '' ],
    [ 'chunks', "${head}Transfer-Encoding: chunked\r\n\r\n"
            . "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
        'abc0123456789' ],
    [ 'trailers', "${head}Transfer-Encoding: chunked\r\n\r\n"
            . "1\r\na\r\n0\r\nX: y\r\nZ: z\r\n\r\n", 'a' ],
    [ 'interim response',
        "HTTP/1.1 100 Continue\r\n\r\n${head}Content-Length: 1\r\n\r\na", 'a' ],
    [ 'status 204', "HTTP/1.1 204 No Content\r\n\r\n", '' ],
    [ 'status 304', "HTTP/1.1 304 Not\r\nContent-Length: 9\r\n\r\n", '' ],
);

for my $case (@whole) {
    my ($name, $text, $body) = @$case;

    my ($response, $left) = parse("${text}HTTP/1.1 next");
    is($response->{body}, $body, "$name: body");
    is($response->{broken}, undef, "$name: whole");
    is($left, 'HTTP/1.1 next', "$name: the rest stays");

    my @short = grep {
        (parse(substr $text, 0, $_))[0]
    } 0 .. length($text) - 1;
    is("@short", '', "$name: every part is incomplete");

    my @fine = grep {
        my ($part) = parse(substr($text, 0, $_), 'GET', 1);
        $part && !$part->{broken} && $part->{code} eq '200'
    } 0 .. length($text) - 1;
    is("@fine", '', "$name: every part is broken at the end of the stream");
}

my ($response) = parse($whole[0][1]);
is(Test::Nginx::Response::header($response, 'A'), '1, 2', 'joined header');
is(Test::Nginx::Response::header($response, 'C'), undef, 'missing header');
is($response->{code}, 200, 'code');
is($response->{raw}, "${head}Content-Length: 3\r\n", 'raw headers');

($response) = parse("${head}Content-Length: 3\r\n\r\n", 'HEAD');
is($response->{body}, '', 'HEAD has no body');

($response) = parse("${head}\r\nabc");
is($response, undef, 'no length: not before the end of the stream');
($response) = parse("${head}\r\nabc", 'GET', 1);
is($response->{body}, 'abc', 'no length: up to the end of the stream');

my %broken = (
    'bad status line'  => "nonsense\r\n\r\n",
    'bad header line'  => "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
    'bad Content-Leng' => "${head}Content-Length: 1, 1\r\n\r\na",
    'body of 2 bytes'  => "${head}Content-Length: 3\r\n\r\nab",
    'bad head of a ch' => "${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    'bad end of a chu' =>
        "${head}Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
    'the last chunk i' =>
        "${head}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
);

for my $why (sort keys %broken) {
    ($response) = parse($broken{$why}, 'GET', 1);
    like($response->{broken} || '', qr/^\Q$why\E/, $why);
}

done_testing();
