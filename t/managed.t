# A database without a superuser, as managed ones are: its owner may create
# roles, applies the schema, and a node works with it.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use File::Temp qw(tempdir);
use MagasinTest;
use MagasinNginx;
use MagasinStandby;
use MagasinCache;

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};

# A server of its own: roles are of all databases.
my $other = tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $other;

sub instance {
    my ($command) = @_;
    local $ENV{RUN_DIR} = $other;
    my $output = `scripts/instance.sh $command 2>&1 </dev/null`;
    die "$command: $output\n" if $?;
    chomp $output;
    return $output;
}

END {
    my $status = $?;
    eval { instance('stop') } if -e "$other/data";
    $? = $status;
}

MagasinStandby::prepare($other);
instance('start-db');
my $web   = instance('web-conninfo');
my $admin = instance('admin-conninfo');

{
    local $ENV{TEST_NGINX_ADMIN_DATABASE}
        = $admin =~ s/dbname=\S+/dbname=postgres/r;
    MagasinTest::psql(map { ('-c', $_) } 'DROP DATABASE magasin',
        'DROP ROLE magasin_owner', 'DROP ROLE magasin_web',
        'CREATE ROLE chef CREATEROLE',
        'CREATE DATABASE magasin OWNER chef ENCODING UTF8 TEMPLATE template0'
        . " LOCALE 'C.UTF-8' LOCALE_PROVIDER icu ICU_LOCALE 'fr'");
}

my $output = `scripts/migrate.sh "$admin options='-c role=chef'" 2>&1`;
is($?, 0, 'the schema is applied') or diag($output);
like($output, qr/chef is no superuser/,
    'what only a superuser can take away is told');
$output = `scripts/migrate.sh "$admin options='-c role=chef'" 2>&1`;
is($?, 0, 'and once more');
unlike($output, qr/applied/, 'which changes nothing');

$ENV{TEST_NGINX_DATABASE}       = $web;
$ENV{TEST_NGINX_ADMIN_DATABASE} = $admin;
MagasinTest::psql('-c', 'INSERT INTO produit (nom, categorie, prix,'
    . " description) VALUES ('Œufs', 'Frais', 3, '')");

my $nginx = MagasinCache->start(workers => 1);
is($nginx->code('/readyz'), 200, 'a node is ready');
is(($nginx->put('/api/v1/products/1/', '{"prix":"4.00"}'))[0], 200,
    'a write');
like(($nginx->get('/api/v1/products/?q=oeufs'))[1], qr/"prix":"4.00"/,
    'a search, which needs the extensions');
ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');

done_testing();
