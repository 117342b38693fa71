# /metrics: what is counted, under which labels, and what survives a reload, a
# killed worker and a database that is slow.

use strict;
use warnings;

use lib 't/inc';
use Digest::SHA qw(sha256_base64);
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);
use MagasinTest;
use MagasinNginx;

plan skip_all => 'TEST_NGINX_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_DATABASE};

MagasinTest::reset();

# What the suite revokes it gives back, whatever becomes of it.
END {
    my $status = $?;
    MagasinTest::sql('GRANT SELECT ON compte_vente TO magasin_web')
        if $ENV{TEST_NGINX_DATABASE};
    $? = $status;
}

my $server = <<'CONF';
client_max_body_size 1k;
large_client_header_buffers 2 2k;
location = /metrics { magasin_metrics stores=2 interval=1s; }
location = /status { magasin_status; }
location = /timed { rewrite ^ /healthz break; magasin; magasin_server_timing on;
    add_header X-Trace $magasin_trace_id; }
location = /static { return 200 "static"; }
location = /api/v1/stock/central/ { magasin; deny all; }
location = /moved { error_page 418 = @api; return 418; }
location @api { rewrite ^ /api/v1/stores/ break; magasin; }
CONF

my $nginx = MagasinNginx->start(
    workers => 2,
    database => 'timeout=60s lock_timeout=50s',
    http    => 'magasin_zone magasin:2m;'
        . " magasin_redis unix:$ENV{TEST_NGINX_REDIS};",
    server => $server,
);

my $last = '';

sub scrape {
    my ($status, $answer) = $nginx->get('/metrics');
    return {} unless $status == 200;
    ($last) = $answer =~ /\r\n\r\n(.*)\z/s;
    my %value;
    for my $line (grep { !/^#/ } split /\n/, $last) {
        my ($series, $value) = $line =~ /^(\w+(?:\{.*\})?) (\S+)$/
            or die "bad line: $line\n";
        die "twice: $series\n" if exists $value{$series};
        $value{$series} = $value;
    }
    return \%value;
}

# settled(CONDITION): a request is counted when its answer has left, and another
# worker may be asked before that.
sub settled {
    my ($condition) = @_;
    my $value;
    MagasinNginx::wait_for(sub { $condition->($value = scrape()) });
    return $value;
}

sub series {
    my ($method, $endpoint, $status) = @_;
    return qq(magasin_http_requests_total{method="$method",)
        . qq(endpoint="$endpoint",status="$status"});
}

# What the requests have added, without those of /metrics itself.
sub added {
    my ($before, $after) = @_;
    return join "\n", sort map {
        my ($labels) = /\{method="(.*)"\}$/;
        my $n = $after->{$_} - ($before->{$_} // 0);
        $labels =~ s/",\w+="/ /g;
        $n && $_ ne series('GET', 'other', 200) ? "$labels $n" : ();
    } grep {/^magasin_http_requests_total/} keys %$after;
}

sub ask {
    my ($line, @headers) = @_;
    my ($status) = $nginx->ask(join "\r\n", "$line HTTP/1.1",
        'Host: localhost', 'Connection: close', @headers, '', '');
    return $status;
}

# promtool lints names, help texts, types and units.
sub lint {
    my ($text) = @_;
    my $file = "$nginx->{root}/metrics.txt";
    open my $out, '>', $file or die "$file: $!\n";
    print {$out} $text;
    close $out;
    my $said = `promtool check metrics < '$file' 2>&1`;
    return ($? >> 8, $said);
}


my $before = scrape();

is(ask('GET /api/v1/products/3/'),    200, 'a read');
is(ask('GET /api/v1/products/1/'),    200, 'another one of the same path');
is(ask('GET /api/v1/products/99/'),   404, 'a product that is not there');
is(ask('HEAD /api/v1/products/3/'),   200, 'HEAD');
is(ask('OPTIONS /api/v1/products/3/'), 200, 'OPTIONS');
is(ask('PROPFIND /api/v1/products/3/'), 405, 'a method nobody knows');
is(ask('BREW /api/v1/products/3/'),   405, 'a method that is none');
is(ask('POST /api/v1/sales/'),        401, 'a write without a token');
is(ask('GET /api/v1/nowhere/42/'),    404, 'a path nobody knows');
is(ask('GET /api/v1/nowhere/43/'),    404, 'another one');
is(ask('GET /api/v1/stock/central/'), 403, 'a path that nginx refuses');
is(ask('GET /api/v1/stores/1'),       301, 'a path without its slash');
is(ask('GET /moved'),                 200, 'an internal redirect');
is(ask('PUT /api/v1/products/3/', $MagasinTest::Token,
    'Content-Type: application/json', 'Content-Length: 100000'), 413,
    'a body too large');

is(($nginx->ask("NONSENSE\r\n\r\n"))[0],       400, 'a bad request line');
is(ask('GET /api/v1/products/3/', 'X: ' . 'x' x 3000), 400,
    'a header too large');
is(ask('GET /' . 'x' x 3000), 414, 'a path too long');

my $list = <<'LIST' =~ s/\n\z//r;
GET /api/v1/products/{id}/ 200 2
GET /api/v1/products/{id}/ 400 1
GET /api/v1/products/{id}/ 404 1
GET /api/v1/stock/central/ 403 1
GET /api/v1/stores/ 200 1
GET other 301 1
GET other 404 2
GET other 414 1
HEAD /api/v1/products/{id}/ 200 1
OPTIONS /api/v1/products/{id}/ 200 1
POST /api/v1/sales/ 401 1
PUT /api/v1/products/{id}/ 413 1
other /api/v1/products/{id}/ 405 2
other other 400 1
LIST
my $after = settled(sub { added($before, $_[0]) eq $list });
is(added($before, $after), $list, 'what was counted, and where');

my ($status, $said) = lint($last);
is($said,   '', 'promtool has nothing to say');
is($status, 0,  'and is content');

($status, $said)
    = lint($last =~ s/magasin_http_requests_total/magasin_httpRequests/gr);
isnt($status, 0, 'of a wrong name it would not be');

my ($number, $commit) = map { qx($MagasinTest::Top/scripts/version.sh $_)
    =~ s/\s+\z//r } '', 'commit';
like($last, qr/^magasin_build_info\{version="\Q$number\E",nginx="[^}]*,commit="\Q$commit\E"\}/m,
    'what runs here: the version and the commit of this tree');
is($after->{magasin_workers}, 2, 'both workers');


# Histograms add up, in each series.

my (%bucket, %wrong);
for my $series (sort keys %$after) {
    my ($name, $labels, $bound)
        = $series =~ /^(\w+)_bucket\{(.*?),?le="([^"]+)"\}$/ or next;
    push @{ $bucket{ $labels eq '' ? "${name}_count" : "${name}_count{$labels}" } },
        [$bound eq '+Inf' ? 9**9**9 : $bound, $after->{$series}];
}
for my $count (sort keys %bucket) {
    my @buckets = sort { $a->[0] <=> $b->[0] } @{ $bucket{$count} };
    my $n = 0;
    for (@buckets) {
        $wrong{$count} = 'falls' if $_->[1] < $n;
        $n = $_->[1];
    }
    $wrong{$count} = "$n" if $n != $after->{$count};
}
cmp_ok(scalar keys %bucket, '>', 8, 'there are histograms');
is_deeply(\%wrong, {}, 'their buckets grow, up to their counts');

my %sum;
for (grep {/^magasin_http_requests_total/} keys %$after) {
    my ($labels) = /\{(.*),status=/;
    $sum{$labels} += $after->{$_};
}
is_deeply(\%sum, {
        map { my ($labels) = /\{(.*)\}/; $labels => $after->{$_} }
        grep {/^magasin_http_request_duration_seconds_count/} keys %$after },
    'every request is in a histogram');


# Counters only grow, whoever is asked.

my %fell;
for (1 .. 20) {
    ask("GET /api/v1/products/$_/");
    my $next = scrape();
    for my $series (grep {/_(?:total|count|bucket|sum)\b/} keys %$after) {
        $fell{$series} = "$after->{$series} $next->{$series}"
            if !defined $next->{$series} || $next->{$series} < $after->{$series};
    }
    $after = $next;
}
is_deeply(\%fell, {}, 'no counter falls');


# The business: as of a moment ago, the first stores by id, the rest summed up.

MagasinTest::sql("SELECT FROM retour_creer(3, ARRAY[2], ARRAY[2], '', true,"
    . " NULL, 'demo', NULL, NULL)");
my $stores = MagasinTest::sql('SELECT count(*) FROM magasin');
cmp_ok($stores, '>', 2, 'the fixture has stores to sum up');

MagasinNginx::wait_for(sub {
    (scrape()->{magasin_returns_total} // 0) == 1
});
my $business = scrape();

sub store {
    my ($name, $label, $condition) = @_;
    my $where = $label eq 'autres'
        ? 'magasin_id > (SELECT id FROM magasin ORDER BY id OFFSET 1 LIMIT 1)'
        : "magasin_id = $label";
    is($business->{qq($name\{magasin="$label"\})}, MagasinTest::sql(
        "SELECT count(*) FROM stock_local WHERE $where AND $condition"),
        "$name of $label");
    return;
}
for my $label (1, 2, 'autres') {
    store('magasin_ruptures', $label, 'quantite = 0');
    store('magasin_surstock', $label, 'quantite > 10');
}
is(scalar(grep {/^magasin_ruptures/} keys %$business), 3, 'and no others');

is($business->{magasin_unites_vendues_total}, MagasinTest::sql(
    'SELECT coalesce(sum(quantite), 0) FROM ligne_vente'), 'units sold');
is($business->{magasin_chiffre_affaires_total}, MagasinTest::sql(
    'SELECT coalesce(sum(quantite * prix_unitaire), 0.00) FROM ligne_vente'),
    'revenue');
is($business->{magasin_returns_total}, 1, 'returns');
is($business->{magasin_unites_rendues_total}, 2, 'units that came back');
is($business->{magasin_remboursements_total}, '51.00', 'refunds');
is($business->{magasin_demandes_en_attente}, MagasinTest::sql(
    q(SELECT count(*) FROM demande_reapprovisionnement)
    . q( WHERE statut = 'en_attente')), 'pending replenishments');
is($business->{magasin_journal_partitions_ahead}, 2,
    'partitions of the journal ahead');

# A return makes counters of its own rise, and no other one fall.

MagasinTest::sql("SELECT FROM retour_creer(3, ARRAY[2], ARRAY[1], '', true,"
    . " NULL, 'demo', NULL, NULL)");
my $later = settled(sub { $_[0]{magasin_returns_total} == 2 });
is_deeply([ map { $later->{"magasin_${_}_total"} } qw(unites_vendues
        chiffre_affaires unites_rendues remboursements) ],
    [ (map { $business->{"magasin_${_}_total"} } qw(unites_vendues
        chiffre_affaires)), 3, '76.50' ],
    'a return lowers neither what was sold nor the revenue');

MagasinTest::sql(q(UPDATE stock_local SET quantite = 0 WHERE magasin_id = 1));
ok(MagasinNginx::wait_for(sub {
    scrape()->{'magasin_ruptures{magasin="1"}'} == MagasinTest::sql(
        'SELECT count(*) FROM stock_local WHERE magasin_id = 1')
}), 'a change shows after the interval');

my $asked = sub {
    $_[0]{'magasin_postgresql_statement_seconds_count{statement="metrics"}'}
};
my ($questions, $waited, $most);
MagasinNginx::wait_for(sub {
    my $first = $asked->(scrape());
    my $begun = time;
    $waited = 0;
    $waited += scrape()->{magasin_postgresql_waiting} while time < $begun + 3;
    $questions = $asked->(scrape()) - $first;
    $most = int(time - $begun) + 1;

    # A scrape at the very moment, through the other worker, may find one; more
    # of them where that takes its time.

    return $waited < 2 || $questions > $most;
});
cmp_ok($questions, '<=', $most,
    'however often it is scraped, the database is asked once in an interval');
cmp_ok($waited, '<', 2, 'and that question is not taken for load');


# The database refuses that question: the last numbers stay, each refusal is
# counted and the first one is in the log; afterwards there are new ones.

sub refusals { return scrape()->{magasin_business_failures_total} }

sub lines_of_log {
    return scalar(() = $nginx->log =~ /no numbers of the business/g);
}

is(refusals(), 0, 'the business: none is refused');
is(lines_of_log(), 0, 'the business: nor is there a line');

MagasinTest::sql('REVOKE SELECT ON compte_vente FROM magasin_web');
ok(MagasinNginx::wait_for(sub { refusals() >= 3 }),
    'the business: each refusal is counted');
my $stale = scrape();
MagasinTest::sql('GRANT SELECT ON compte_vente TO magasin_web');

is($stale->{magasin_unites_vendues_total},
    $business->{magasin_unites_vendues_total},
    'the business: the last numbers stay');

# Either worker asks.
cmp_ok(lines_of_log(), '>=', 1, 'the business: the log says it');
cmp_ok(lines_of_log(), '<=', 2, 'the business: once for each worker');
like($nginx->log, qr/no numbers of the business for the metrics: SQLSTATE 42501/,
    'the business: and why');

my $then = $stale->{magasin_business_timestamp_seconds};
ok(MagasinNginx::wait_for(sub {
    scrape()->{magasin_business_timestamp_seconds} > $then
}), 'the business: new numbers, when the database says them again');


# The journal is polled all the time, and each poll is counted.

my $polls = scrape()->{magasin_cache_polls_total};
ok(MagasinNginx::wait_for(sub {
    scrape()->{magasin_cache_polls_total} > $polls + 1
}), 'polls of the journal are counted');


# The rules of prometheus/ ask for nothing that is not there.

my %there = map { $_ => 1 } $last =~ /^# TYPE (\w+) /mg;
my @asked = map { MagasinNginx::slurp($_) =~ /(?<![\w:])(magasin_\w+)/g }
    glob "$MagasinTest::Top/prometheus/rules/*.yml";
cmp_ok(scalar @asked, '>', 20, 'there are rules');
is_deeply([grep { !$there{$_} && !$there{s/_(?:bucket|sum|count)\z//r} } @asked],
    [], 'whose names are all there');


# A reload keeps what was counted, and one more generation of workers counts.

$before = scrape();
$nginx->reload or die "no new workers\n";
ok(MagasinNginx::wait_for(sub { scrape()->{magasin_workers} == 2 }),
    'the old workers are gone');
ask('GET /api/v1/products/3/');
my $reads = series('GET', '/api/v1/products/{id}/', 200);
$after = settled(sub { $_[0]{$reads} > $before->{$reads} });
cmp_ok($after->{$reads}, '>', $before->{$reads},
    'a reload keeps what was counted');
is($after->{magasin_worker_respawns_total}, 0,
    'a reload is no respawn');


# What a worker is at ends with it.  PostgreSQL does not answer meanwhile.

my $held = MagasinTest::hold('LOCK TABLE produit IN ACCESS EXCLUSIVE MODE');
my $load = $nginx->load(connections => 6, seconds => 0,
    requests => [MagasinNginx::get_request('/api/v1/products/?q=a')]);

my $active = 'magasin_http_requests_active{method="GET"}';
my $now    = {};
ok(MagasinNginx::wait_for(sub {
    $now = scrape();
    return $now->{$active} == 7
        && $now->{'magasin_postgresql_connections{state="busy"}'} > 0;
}), 'requests wait for the database');

kill 'KILL', $nginx->workers;
ok(MagasinNginx::wait_for(sub {
    $now = scrape();
    return ($now->{magasin_worker_respawns_total} // 0) == 2
        && $now->{magasin_workers} == 2;
}), 'killed workers are replaced, and that is counted');
is($now->{$active}, 1, 'their requests are not active any more');
MagasinTest::release($held);
$load->finish;

ok(MagasinNginx::wait_for(sub {
    $now = scrape();
    return $now->{'magasin_postgresql_connections{state="busy"}'} == 0
        && $now->{'magasin_postgresql_connections{state="idle"}'} == 6
        && $now->{magasin_redis_connections} == 2;
}), 'and the connections are idle');
cmp_ok($now->{$reads}, '>=', $after->{$reads},
    'what was counted stays');
is($now->{magasin_redis_up}, 1, 'Redis answers');
is($now->{magasin_redis_connections}, 2, 'both of them');


# What PostgreSQL refuses is told by the class of its SQLSTATE.

my $class = 'magasin_postgresql_errors_total{sqlstate_class="42"}';
my $refused = scrape()->{$class} // 0;
MagasinTest::sql('ALTER TABLE produit RENAME TO ailleurs');
is($nginx->code('/api/v1/products/?q=zz'), 500, 'a table is gone');
MagasinTest::sql('ALTER TABLE ailleurs RENAME TO produit');
is(settled(sub { ($_[0]{$class} // 0) > $refused })->{$class}, $refused + 1,
    'its class is 42');


{
    my ($status, $answer) = $nginx->ask("POST /metrics HTTP/1.1\r\n"
        . "Host: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    is($status, 405, 'it can only be read');
    is(join(' ', $answer =~ /^(Allow: .*)\r$/mg), 'Allow: GET, HEAD',
        '  and says so');
}
is(ask('HEAD /metrics'), 200, 'HEAD too');


# The page may run what it brings with it, and the policy says so by digests.

my ($head, $page) = split /\r\n\r\n/,
    ($nginx->get('/status?format=html'))[1], 2;
for my $part ('style', 'script') {
    my ($text) = $page =~ m{<$part>(.*?)</$part>}s;
    my $digest = sha256_base64($text // '') . '=';
    cmp_ok(length($text // ''), '>', 1000, "the page has its $part");
    like($head, qr/^Content-Security-Policy:.*\Q$part-src 'sha256-$digest'\E/m,
        'and may use it');
    unlike($text, qr/style=|setAttribute\("style|\.style\b|innerHTML/,
        'which needs no more than that');
}


# A new trace is one and the same wherever it is told.

my ($trace) = ($nginx->get('/timed'))[1]
    =~ /^Server-Timing: .*trace;desc="([0-9a-f]{32})"/m;
isnt($trace, undef, 'a trace in Server-Timing');
my %trace = ($nginx->get('/timed'))[1]
    =~ /(Server-Timing: .*trace;desc="|X-Trace: )([0-9a-f]{32})/g;
is(scalar(keys %{ { reverse %trace } }), 1, 'another one, the same twice');

ok($nginx->stop, 'a graceful stop');
is($nginx->complaints('signal 9'), '', 'nothing alarming in the log');

# A single process, for who debugs: after HUP it has a configuration without
# connections, as nginx's own has.  It must live, and end as it is told.

my $conf = MagasinNginx::slurp("$nginx->{root}/nginx.conf");
$conf =~ s/^worker_processes.*/master_process off; daemon off;/m;
$conf =~ s/^http \{/http { client_header_timeout 2s;/m;
open my $file, '>', "$nginx->{root}/nginx.conf" or die "nginx.conf: $!\n";
print {$file} $conf;
close $file or die "nginx.conf: $!\n";

my $single = fork // die "fork: $!\n";
if ($single == 0) {
    exec $ENV{TEST_NGINX_BINARY} || 'nginx', '-p', "$nginx->{root}/", '-c',
        "$nginx->{root}/nginx.conf";
}
ok(MagasinNginx::wait_for(sub { ($nginx->code('/readyz') // 0) == 200 }),
    'a single process is ready');
my $idle = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$nginx->{port}")
    or die "connect: $!\n";
# It is accepted before this is answered.
is($nginx->code('/healthz'), 200, '  and answers');
kill 'HUP', $single;

# Its timers go on: the metrics look once a second.
is(sysread($idle, my $nothing, 1), 0, '  after HUP it closes who says nothing');
kill 'QUIT', $single;
is(waitpid($single, 0), $single, '  QUIT ends it');
is($?, 0, '  and it does not crash');
done_testing();
