# What belongs to something that is not there is not there: a route below an id
# is 404 where nothing has it, in every form of the answer.

use strict;
use warnings;

use lib 't/inc';
use JSON::PP;
use Test::More;
use MagasinTest;
use MagasinCache;
use MagasinRoutes;

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

# These answer as the reference does: an empty list.
my %Reference = map { $_ => 1 } qw(stock stock_list);

# Parameters that select another statement.
my %Queries = (
    count_lines => [ map {"etat=$_"} qw(comptes ecarts oublis) ],
    items       => [ 'q=the', 'categorie=Divers', 'sous_minimum=true',
        map {"ordering=$_"} qw(nom -nom quantite -quantite) ],
    stock => [ 'produits=4,9', 'au=9999-01-01T00:00:00Z' ],
    stock_list => [ 'q=the', 'ordering=-quantite', 'produit__nom=the' ],
);

# A body that is right for each write.
my %Bodies = (
    count_add           => '{"lignes":[{"produit":4,"quantite":1}]}',
    product_patch       => '{"prix":"1.00"}',
    product_update      => '{"prix":"1.00"}',
    replenishment_patch => '{"quantite":1}',
    sale_return_create  => '{"lignes":[{"produit":4,"quantite":1}],"remise_en_stock":true}',
    stock_adjust        => '{"delta":1}',
    stock_central_adjust => '{"delta":1}',
    store_patch         => '{"nom":"A"}',
    threshold_put       => '{"minimum":1,"maximum":2}',
    thresholds_put      => '{"lignes":[]}',
);

MagasinTest::reset(@MagasinRoutes::Rows);
my $node = MagasinCache->start(zone => '4m');
my @routes = grep { $_->{path} =~ /\{/ } MagasinRoutes::endpoints();
cmp_ok(scalar @routes, '>', 30, 'routes below an id: ' . @routes);

# ask(ROUTE, PATH, ACCEPT)
sub ask {
    my ($route, $path, $accept) = @_;
    my $body = $Bodies{ $route->{name} } // '{}';
    return $node->fetch($path, method => $route->{method},
        $route->{method} =~ /GET|DELETE/ ? () : (content => $body),
        headers => { Accept => $accept, Authorization => 'Token token-430',
            'Content-Type' => 'application/json' });
}

# The first id is unknown; a second one exists.
for my $route (@routes) {
    my $path = MagasinRoutes::fill($route->{path},
        $route->{path} =~ /\{id\}/ ? (id => 4_000_000) : (produit => 4_000_000));
    for my $query (undef, @{ $Queries{ $route->{name} } || [] }) {
        my $asked = defined $query ? "$path?$query" : $path;
        my @forms = ('application/json', 'application/problem+json',
            $route->{table} ? 'text/csv' : ());
        for my $form (@forms) {
            my $answer = ask($route, $asked, $form);
            if ($Reference{ $route->{name} }) {
                is($answer->{status}, 200, "$route->{method} $asked, $form: as the reference");
                unlike($answer->{content}, qr/\n.|\{"id"|\{"produit_id"/, '  without rows');
                next;
            }
            is($answer->{status}, 404, "$route->{method} $asked, $form: not there");
            my $said = eval { decode_json($answer->{content}) } || {};
            is($said->{status} // 404, 404, '  and says so');
        }
    }
}

# What is there and has nothing is an empty list.
MagasinTest::reset(
    q{INSERT INTO magasin (id, nom, adresse) VALUES (77, 'Vide', 'Ici')},
    'INSERT INTO comptage (id, magasin_id) VALUES (77, 77)',
    'INSERT INTO vente (id, magasin_id, total) VALUES (77, 77, 1)');
for my $route (grep { $_->{table} } @routes) {
    my $path = MagasinRoutes::fill($route->{path}, id => 77);
    for my $query (undef, @{ $Queries{ $route->{name} } || [] }) {
        next if defined $query && $query =~ /^au=/;
        my $asked = defined $query ? "$path?$query" : $path;
        my $answer = ask($route, $asked, 'application/json');
        is($answer->{status}, 200, "$asked: there, and empty");
        like($answer->{content}, qr/^(?:\[\]|\{[^\[]*"next":null[^\[]*"results":\[\]\})\z/,
            '  an empty list');
        $answer = ask($route, $asked, 'text/csv');
        is($answer->{content}, "$route->{table}\r\n", '  as CSV: the header alone');
    }
}

ok($node->stop, 'a graceful stop');
is($node->complaints, '', 'nothing alarming in the log');
MagasinTest::reset();
done_testing();
