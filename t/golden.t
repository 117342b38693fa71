# The reference's recorded answers, where they are at hand: its database is
# imported as an operator would do it, and every recorded case replayed.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use MagasinTest;
use MagasinNginx;

my $top    = $MagasinTest::Top;
my $golden = $ENV{MAGASIN_GOLDEN} || "$top/../shared/golden";

plan skip_all => 'there are no recorded answers beside the project'
    unless -r "$golden/cases.jsonl" && -r "$golden/django.sql"
    && -x "$golden/replay";
plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

my $admin  = MagasinTest::admin();
my $source = "magasin_golden_$$";

MagasinTest::psql('-c', "CREATE DATABASE $source");

my $from = $admin =~ s/\bdbname=\S+/dbname=$source/r;
is(system("psql -X -q -v ON_ERROR_STOP=1 -d '$from'"
            . " -f '$golden/django.sql' >/dev/null"), 0,
    "the reference's database is there");

# Without the cache, and with it.
for my $http ('', 'magasin_zone golden:8m;') {
    my $name = $http ? 'with the cache' : 'without the cache';

    local $ENV{TEST_NGINX_CACHE};
    my $nginx = MagasinNginx->start(workers => 2, http => $http);

    for my $cases (sort glob "$golden/*.jsonl") {
        my $output = `'$top/scripts/import_django.sh' '$from' '$admin' 2>&1`;
        is($?, 0, "$name: it is imported") or diag $output;

        # What was there before the import is not waited for.

        my ($status) = $nginx->ask(join "\r\n",
            'POST /api/v1/cache/flush/ HTTP/1.0', 'Host: localhost',
            $MagasinTest::Token, '', '');
        is($status, 200, "$name: nothing is left of before");

        $output = `'$golden/replay' 'http://127.0.0.1:$nginx->{port}' '$cases'`;
        is($?, 0, "$name: $cases: $output") or diag $output;
    }

    ok($nginx->stop, "$name: a graceful stop");
    is($nginx->complaints, '', "$name: nothing alarming in the log");
}

MagasinTest::psql('-c', "DROP DATABASE $source");
MagasinTest::reset();
done_testing();
