# A name is found whatever form its characters have, and whatever form those of
# the query have: composed or decomposed letters, spaces or no-break spaces.

use strict;
use warnings;

use lib 't/inc';
use HTTP::Tiny;
use JSON::PP qw(decode_json);
use Test::More;
use MagasinNginx;
use MagasinTest;

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};

# "Pâté à l'ail 250 g", in forms that look alike; 201 has an em space and is
# another name.
my %names = (
    101 => q(U&'P\00E2t\00E9 \00E0 l''ail 250 g'),
    102 => q(U&'Pa\0302te\0301 a\0300 l''ail 250 g'),
    103 => q(U&'P\00E2t\00E9\00A0\00E0\202Fl''ail\00A0250\2007g'),
    104 => q(U&'Pa\0302te\0301\00A0a\0300 l''ail 250\202Fg'),
    105 => q(U&'P\00E2\2060t\00E9 \00E0 \FEFFl''ail 250 g'),
    201 => q(U&'P\00E2t\00E9 \00E0 l''oignon 250 g'),
);

MagasinTest::reset(
    (map {
        "INSERT INTO produit (id, nom, categorie, prix) VALUES ($_, $names{$_},"
            . " 'Forme', 1)",
            "INSERT INTO stock_local (magasin_id, produit_id, quantite)"
            . " VALUES (1, $_, 3)",
            "INSERT INTO stock_central (produit_id, quantite) VALUES ($_, 3)"
    } sort keys %names));

my $nginx  = MagasinNginx->start(workers => 1);
my $client = HTTP::Tiny->new(timeout => 20, proxy => undef,
    http_proxy => undef);
my $url = "http://127.0.0.1:$nginx->{port}/api/v1";

my @all = qw(101 102 103 104 105);
my @queries = (
    '%C3%A9 %C3%A0 l\'ail',                 # composed
    'e%CC%81 a%CC%80 l\'ail',               # decomposed
    '%C3%A9%C2%A0%C3%A0%E2%80%AFl\'ail',    # no-break spaces
    'e%CC%81%C2%A0a%CC%80 l\'ail',
    '250%C2%A0g', '250%E2%80%87g', '250%20g',
    'P%C3%A2t%EF%BB%BF%C3%A9',
);

for my $list (['/stores/1/stock/list/?produit__nom=', 'produit'],
    ['/stores/1/stock/list/?q=', 'produit'],
    ['/products/?limit=100&q=', 'id'], ['/stock/central/?q=', 'produit'])
{
    my ($path, $member) = @$list;
    for my $query (@queries) {
        my $answer = $client->get("$url$path" . $query =~ s/ /%20/gr);
        is($answer->{status}, 200, "$path$query") or next;
        my @found = sort grep { $_ > 100 && $_ < 200 }
            map { $_->{$member} } @{ decode_json($answer->{content})->{results} };
        is("@found", "@all", "$path$query finds all of them");
    }
}

# A form that nothing has finds nothing.
my $none = $client->get("$url/stores/1/stock/list/?produit__nom=e%CC%81a");
is(decode_json($none->{content})->{count}, 0, 'and no more');

ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');
MagasinTest::reset();
done_testing();
