# What replicas say while there is no primary is kept nowhere, and each of their
# connections may say it.

use strict;
use warnings;

use lib 't/inc';
use HTTP::Tiny;
use Test::More;
use MagasinCache;
use MagasinNginx;
use MagasinStandby;
use MagasinTest;

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};
plan skip_all => 'what is tested here are servers'
    if $ENV{TEST_NGINX_ASAN};

my $primary = MagasinStandby->primary;
$primary->sql(
    "INSERT INTO magasin (nom, adresse) VALUES ('Un', '1 rue'), ('Deux', '2 rue')",
    'INSERT INTO produit (nom, categorie, prix, description)'
    . " SELECT 'Produit ' || n, 'Divers', 1, '' FROM generate_series(1, 99) n");
my $standby = $primary->standby;
my ($role)  = $primary->{web} =~ /user=(\S+)/;
my ($first, $second)
    = split ' ', $primary->sql("SELECT string_agg(id::text, ' ' ORDER BY id) FROM magasin");

my $nginx = MagasinCache->start(workers => 1,
    cache => qq(magasin_database_replicas "$standby->{web}";)
        . 'magasin_database_replicas_stale 10m;',
    server => 'location = /metrics { magasin_metrics; }');

sub rename_store {
    my ($id, $name) = @_;
    return HTTP::Tiny->new->request('PATCH',
        "http://127.0.0.1:$nginx->{port}/api/v1/stores/$id/",
        { headers => { Authorization => $MagasinCache::Token,
                'Content-Type' => 'application/json' },
            content => qq({"nom":"$name"}) })->{status};
}

sub dashboard {
    return ($nginx->get('/api/v1/dashboard/'))[1];
}

# Of a replica that has seen it all
my $n = 0;
ok(MagasinNginx::wait_for(sub {
    $primary->sql(q(SELECT pg_logical_emit_message(true, 't', 't')))
        if ++$n % 20 == 0;
    $nginx->get('/api/v1/products/' . (2 + $n % 90) . '/');
    ($nginx->get('/metrics'))[1] =~ /server="replica",replica="1"\} [1-9]/;
}), 'the replica answers');

# It lacks a write that the node has acknowledged, and the primary is away.
$standby->pause;
is(rename_store($first, 'Nouveau'), 200, 'a write');
$primary->sql("ALTER ROLE $role NOLOGIN");
$primary->sql('SELECT pg_terminate_backend(pid) FROM pg_stat_activity'
    . " WHERE usename = '$role'");
ok(MagasinNginx::wait_for(sub {
    ($nginx->get('/api/v1/products/1/'))[1] =~ /^Age: \d+\r/m
}), 'no primary: a short read is answered');
my $answer = dashboard();
like($answer, qr/\AHTTP\S+ 200 .*^Age: \d+\r/ms, 'no primary: and a long one');
like($answer, qr/"Un"/, 'no primary: with what was there before');

$primary->sql("ALTER ROLE $role LOGIN");
ok(MagasinNginx::wait_for(sub { rename_store($second, 'Autre') == 200 }),
    'the primary is back');
my @old = grep { dashboard() !~ /"Nouveau".*"Autre"/s } 1 .. 20;
is(scalar @old, 0, 'nothing of it is left');

$standby->resume;
ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');

done_testing();
