# /metrics in OpenMetrics: who gets it, whether a strict parser takes it, the
# traces of requests in it, and the names of stores in both formats.

use strict;
use warnings;

use lib 't/inc';
use IO::Socket::INET;
use JSON::PP qw(decode_json);
use Test::More;
use Time::HiRes qw(time);
use MagasinTest;
use MagasinNginx;

plan skip_all => 'TEST_NGINX_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_DATABASE};

# Names with what a label escapes, and what it does not.

my %names = (
    1 => 'Épicerie "Chez Zoé"',
    2 => 'C:\\magasins\\Saint-Étienne',
    3 => "Lyon\nPart-Dieu\tœuvre €",
);
MagasinTest::reset(map { my $name = $names{$_} =~ s/'/''/gr;
    "UPDATE magasin SET nom = '$name' WHERE id = $_" } sort keys %names);

my $nginx = MagasinNginx->start(
    workers => 2,
    http    => 'magasin_zone magasin:2m;'
        . " magasin_redis unix:$ENV{TEST_NGINX_REDIS};",
    server => 'location = /metrics { magasin_metrics stores=3 interval=1s; }',
);

my $open = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
my $text = 'text/plain; version=0.0.4; charset=utf-8';

# scrape(ACCEPT...): the head and the body
sub scrape {
    my (@accept) = @_;
    my ($status, $answer) = $nginx->ask(join "\r\n", 'GET /metrics HTTP/1.1',
        'Host: localhost', 'Connection: close',
        (map {"Accept: $_"} @accept), '', '');
    return $status == 200 ? split /\r\n\r\n/, $answer, 2 : ('', '');
}

sub type {
    my ($head) = scrape(@_);
    return join ' ', $head =~ /^Content-Type: ([^\r\n]*)/mg;
}

# What a strict parser has read: {families, samples, exemplars} or {error}
my $parser = <<'PYTHON';
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
text = sys.stdin.buffer.read().decode("utf-8")
try:
    families = list(text_string_to_metric_families(text))
except ValueError as error:
    print(json.dumps({"error": str(error)}))
    sys.exit()
print(json.dumps({
    "families": {f.name: [f.type, f.unit, f.documentation] for f in families},
    "samples": [[s.name, s.labels, s.value] for f in families
                for s in f.samples],
    "exemplars": [[s.labels, s.exemplar.labels, s.exemplar.value,
                   float(s.exemplar.timestamp)] for f in families
                  for s in f.samples if s.exemplar]}))
PYTHON

sub parsed {
    my ($body) = @_;
    my $file = "$nginx->{root}/openmetrics.txt";
    open my $out, '>', $file or die "$file: $!\n";
    print {$out} $body;
    close $out;
    local $ENV{PARSER} = $parser;
    my $said = qx(/usr/bin/python3 -c "\$PARSER" <'$file');
    die "the parser does not run (packages: python3-prometheus-client)\n"
        unless $said;
    return decode_json($said);
}

# The exemplars of the body of an answer, by their trace.
sub exemplars {
    my ($body) = @_;
    my %found;
    while ($body =~ /^(\w+)_bucket\{(.*)\} \d+ # \{trace_id="(\w+)"\} (\S+) (\S+)$/mg) {
        my ($name, $labels, $id, $value, $time) = ($1, $2, $3, $4, $5);
        $found{$id} = { $labels =~ /(\w+)="([^"]*)"/g, name => $name,
            value => $value, time => $time };
    }
    return \%found;
}

sub traced {
    my ($path, $trace, $method) = @_;
    my ($status) = $nginx->ask(join "\r\n", ($method // 'GET') . " $path HTTP/1.1",
        'Host: localhost', 'Connection: close', 'Content-Length: 0',
        "traceparent: 00-$trace-00f067aa0ba902b7-01", '', '');
    return $status;
}


# Who gets which format

is(type(), $text, 'without Accept');
is(type(@{ $_->[0] }), $_->[1], join ' + ', @{ $_->[0] }) for
    [ ['*/*'], $text ],
    [ ['text/html, */*;q=0.1'], $text ],
    [ ['text/plain'], $text ],
    [ ['application/openmetrics-text'], $open ],
    [ ['Application/OpenMetrics-Text ; Version="1.0.0"'], $open ],
    [ ['application/openmetrics-text;version=1.0.0,'
        . 'application/openmetrics-text;version=0.0.1;q=0.75,'
        . 'text/plain;version=0.0.4;q=0.5,*/*;q=0.1'], $open ],
    [ ['application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,'
        . 'application/openmetrics-text;version=0.0.1;q=0.4,'
        . 'text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,'
        . 'text/plain;version=0.0.4;q=0.2,*/*;q=0.1'], $open ],
    [ ['application/openmetrics-text;version=1.0.0;q=0.4,'
        . 'text/plain;version=0.0.4;q=0.5'], $text ],
    [ ['application/openmetrics-text;q=0'], $text ],
    [ ['application/openmetrics-text;q=0, */*'], $text ],
    [ ['application/openmetrics-text;version=0.0.1'], $text ],
    [ ['application/openmetrics-text;version=2.0.0, */*;q=0.1'], $text ],
    [ ['application/openmetrics-text;version=1.0.0;q=0, application/*'], $text ],
    [ ['application/openmetrics-text;q=0.9, text/plain;q=0.899'], $open ],
    [ ['application/openmetrics-text, text/plain'], $text ],
    [ ['application/openmetrics-text;q=0.5', 'text/plain;q=0.4'], $open ],
    [ ['application/openmetrics-textual'], $text ];

for my $accept ('*/*', 'application/openmetrics-text') {
    my ($head) = scrape($accept);
    is(join(' ', $head =~ /^(Vary: .*)\r$/mg), 'Vary: Accept',
        "$accept: caches are told");
}


# What a strict parser reads

my $trace = '4bf92f3577b34da6a3ce929d0e0e4736';
my $began = time;
is(traced('/api/v1/products/3/', $trace), 200, 'a request with a trace');
is($nginx->code('/api/v1/products/3/'), 200, 'and one without');
my $body = '';
ok(MagasinNginx::wait_for(sub {
    $body = (scrape('application/openmetrics-text'))[1];
    return $body =~ /^magasin_store_info\{/m && exemplars($body)->{$trace};
}), 'the trace and the stores are there') or diag $body;

my $read = parsed($body);
is($read->{error}, undef, 'a strict parser takes it');
like($body, qr/\n# EOF\n\z/, 'it has its end');
is(parsed($body =~ s/# EOF\n\z//r)->{error}, 'Missing # EOF at end',
    'which the parser would miss');
isnt(parsed($body =~ s/^magasin_zone_rebuilds\K_total//mr)->{error}, undef,
    'as it would a counter of another name');
is_deeply([ @{ $read->{families}{magasin_http_requests} }[0, 1] ],
    [ 'counter', '' ], 'a counter without _total');
is_deeply([ @{ $read->{families}{magasin_http_request_duration_seconds} }[0, 1] ],
    [ 'histogram', 'seconds' ], 'a histogram with its unit');
is_deeply([ @{ $read->{families}{magasin_zone_size_bytes} }[0, 1] ],
    [ 'gauge', 'bytes' ], 'bytes');
is($read->{families}{$_}[0], 'info', "$_: info")
    for qw(magasin_build magasin_store);
is(scalar(grep { $_->[0] =~ /_created$/ } @{ $read->{samples} }), 0,
    'and no _created: magasin_start_time_seconds says it');


# The other format has the same families and series, and no more.

my ($plain_head, $plain) = scrape('text/plain');

# One that is counted with the first scrape is not there yet.
sub shape {
    my ($body) = @_;
    return join "\n", sort grep { !/endpoint="other"|statement="/ }
        map { s/ # \{.*//r =~ s/^\w\S*\K((?:\{.*\})?) \S+$/$1/r }
        map { s/^(# \w+ )(\S+?)(?:_total|_info)( |$)/$1$2$3/r }
        map { /^# TYPE \S+_info gauge$/ ? s/gauge$/info/r : $_ }
        map { /_bucket/ ? s/le="(\d+)\.0"/le="$1"/r : $_ }
        grep { !/^# (?:UNIT|EOF)/ } split /\n/, $body;
}
is(shape($body), shape($plain), 'both formats have the same series');
unlike($plain, qr/trace_id|^# UNIT|^# EOF/m, '0.0.4 has nothing of the other');
like($plain, qr/^magasin_postgresql_wait_seconds_bucket\{le="1"\} /m,
    '  nor its numbers');
unlike($body, qr/^# HELP .*["\\]/m, 'no help text needs an escape');


# The trace, with its bucket

my $found = exemplars($body)->{$trace} || {};
is("$found->{name} $found->{method} $found->{endpoint}",
    'magasin_http_request_duration_seconds GET /api/v1/products/{id}/',
    'a trace is where its request was counted');
my @bounds = map { $_ eq '+Inf' ? 9**9**9 : $_ }
    $body =~ /^magasin_redis_reply_seconds_bucket\{le="([^"]+)"\}/mg;
my ($lower) = (sort { $b <=> $a } grep { $_ < $found->{value} } @bounds, 0);
my ($upper) = (sort { $a <=> $b } grep { $_ >= $found->{value} } @bounds);
is($found->{le} eq '+Inf' ? 9**9**9 : $found->{le}, $upper,
    "  in the bucket of its $found->{value} s");
cmp_ok($found->{time}, '>=', int($began) - 1, '  with its time');
cmp_ok($found->{time}, '<=', time + 1, '  which is not to come');

my $other = 'ffffffffffffffffffffffffffffff01';
is(traced('/nowhere', $other, 'BREW'), 405, 'a trace of an unknown method');
ok(MagasinNginx::wait_for(sub {
    my $was = exemplars((scrape('application/openmetrics-text'))[1])->{$other};
    return $was && "$was->{method} $was->{endpoint}" eq 'other other';
}), '  is with the others');

is(traced('/api/v1/products/3/', 'nonsense'), 200, 'what is no trace');
is((grep { length $_->[1]{trace_id} != 32 }
        @{ parsed((scrape('application/openmetrics-text'))[1])->{exemplars} }),
    0, '  is none here');


# No exemplar is half of one request and half of another.  Both halves of the
# traces here are the same, and end in the number of the path.

sub wrong {
    my ($body) = @_;
    my $all = exemplars($body);
    return grep { substr($_, 0, 16) ne substr($_, 16) }
        grep { $_ ne $trace && $_ ne $other } keys %$all;
}
is(join(' ', wrong($body =~ s/$trace/0000000000000001000000000000000a/r)),
    '0000000000000001000000000000000a', 'planted: a mixed trace is found');

my $load = $nginx->load(connections => 8, requests => [ map {
    my $half = sprintf '%016x', $_ * 0x9e3779b1;
    "GET /api/v1/products/3/ HTTP/1.1\r\nHost: localhost\r\n"
        . "traceparent: 00-$half$half-00f067aa0ba902b7-01\r\n\r\n" } 1 .. 64 ]);
my (%wrong, %seen);
for (1 .. 40) {
    my ($head, $now) = scrape('application/openmetrics-text');
    $wrong{$_} = 1 for wrong($now);
    $seen{$_} = 1 for keys %{ exemplars($now) };
}
my $counted = $load->finish;
is_deeply([ sort keys %wrong ], [], 'under load no trace is mixed');
cmp_ok(scalar(keys %seen), '>', 2, '  of those that are there');
is($counted->{failed}, 0, '  and all were answered');


# The names of stores

my %labels = map { $_->[1]{magasin} => $_->[1]{nom} }
    grep { $_->[0] eq 'magasin_store_info' } @{ $read->{samples} };
is_deeply(\%labels, { map { my $n = $names{$_}; utf8::decode($n); $_ => $n }
    keys %names }, 'names of stores, as the parser reads them');
is(join("\n", $plain =~ /^(magasin_store_info\{.*)$/mg), join("\n",
    'magasin_store_info{magasin="1",nom="Épicerie \"Chez Zoé\""} 1',
    'magasin_store_info{magasin="2",nom="C:\\\\magasins\\\\Saint-Étienne"} 1',
    'magasin_store_info{magasin="3",nom="Lyon\nPart-Dieu' . "\t" . 'œuvre €"} 1'),
    '  and in the other format');
my $file = "$nginx->{root}/metrics.txt";
open my $out, '>', $file or die "$file: $!\n";
print {$out} $plain;
close $out;
is(qx(promtool check metrics <'$file' 2>&1), '', 'promtool has nothing to say');

MagasinTest::sql(q(UPDATE magasin SET nom = 'Renommé' WHERE id = 2));
ok(MagasinNginx::wait_for(sub {
    (scrape())[1] =~ /^magasin_store_info\{magasin="2",nom="Renommé"\} 1$/m
}), 'a new name shows after the interval');
is(scalar(() = (scrape())[1] =~ /^magasin_store_info/mg), 3,
    'only the stores with series of their own');

ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');
MagasinTest::reset();
done_testing();
