# GET /api/v1/stores/{id}/stock/list/: filters, order, pages and links.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::gets();

# Of the results only the ids, and of the links the query, or "/" for none.
sub ids {
    my ($body) = @_;
    my @ids = $body =~ /\{"id":(\d+),/g;
    my ($count, $next, $previous)
        = $body =~ /^\{"count":(\d+),"next":(\S+?),"previous":(\S+?),"results":/
        or return $body;
    for ($next, $previous) {
        s{^"http://localhost/api/v1/stores/\d+/stock/list/(.*)"$}{.$1};
    }
    return "$count: @ids; $next $previous";
}

MagasinTest::reset();
run_tests();

__DATA__

=== TEST 1: two pages, whole
--- gets
/api/v1/stores/1/stock/list/ -> 200 {"count":15,"next":"http://localhost/api/v1/stores/1/stock/list/?page=2","previous":null,"results":[{"id":13,"produit":13,"magasin":1,"quantite":42,"produit_nom":"Câble USB-C 2m","magasin_nom":"Magasin Centre-Ville"},{"id":5,"produit":5,"magasin":1,"quantite":25,"produit_nom":"Café Espresso Intenso","magasin_nom":"Magasin Centre-Ville"},{"id":4,"produit":4,"magasin":1,"quantite":30,"produit_nom":"Café Premium Bio","magasin_nom":"Magasin Centre-Ville"},{"id":14,"produit":14,"magasin":1,"quantite":16,"produit_nom":"Chargeur sans fil","magasin_nom":"Magasin Centre-Ville"},{"id":9,"produit":9,"magasin":1,"quantite":28,"produit_nom":"Chocolat au Lait","magasin_nom":"Magasin Centre-Ville"},{"id":8,"produit":8,"magasin":1,"quantite":22,"produit_nom":"Chocolat Noir 70%","magasin_nom":"Magasin Centre-Ville"},{"id":1,"produit":1,"magasin":1,"quantite":20,"produit_nom":"Clavier mécanique","magasin_nom":"Magasin Centre-Ville"},{"id":10,"produit":10,"magasin":1,"quantite":8,"produit_nom":"Écouteurs Bluetooth","magasin_nom":"Magasin Centre-Ville"},{"id":2,"produit":2,"magasin":1,"quantite":35,"produit_nom":"Souris optique","magasin_nom":"Magasin Centre-Ville"},{"id":12,"produit":12,"magasin":1,"quantite":14,"produit_nom":"Support d'écran ergonomique","magasin_nom":"Magasin Centre-Ville"}]}
/api/v1/stores/1/stock/list/?page=2 -> 200 {"count":15,"next":null,"previous":"http://localhost/api/v1/stores/1/stock/list/","results":[{"id":3,"produit":3,"magasin":1,"quantite":15,"produit_nom":"Tapis de souris XL","magasin_nom":"Magasin Centre-Ville"},{"id":7,"produit":7,"magasin":1,"quantite":12,"produit_nom":"Thé Earl Grey","magasin_nom":"Magasin Centre-Ville"},{"id":15,"produit":15,"magasin":1,"quantite":9,"produit_nom":"Thé Rooibos Vanille","magasin_nom":"Magasin Centre-Ville"},{"id":6,"produit":6,"magasin":1,"quantite":18,"produit_nom":"Thé Vert Sencha","magasin_nom":"Magasin Centre-Ville"},{"id":11,"produit":11,"magasin":1,"quantite":5,"produit_nom":"Webcam HD 1080p","magasin_nom":"Magasin Centre-Ville"}]}
--- response_headers eval
[("Content-Type: application/json\nAllow: GET, HEAD, OPTIONS\nCache-Control: no-cache") x 2]
--- no_error_log
[error]


=== TEST 2: the page, as Python reads a number
--- response_body_filters: ids
--- gets
/api/v1/stores/1/stock/list/?page=1 -> 200 15: 13 5 4 14 9 8 1 10 2 12; .?page=2 null
/api/v1/stores/1/stock/list/?page= -> 200 15: 13 5 4 14 9 8 1 10 2 12; .?page=2 null
/api/v1/stores/1/stock/list/?page -> 200 15: 13 5 4 14 9 8 1 10 2 12; .?page=2 null
/api/v1/stores/1/stock/list/?page=last -> 200 15: 3 7 15 6 11; null .
/api/v1/stores/1/stock/list/?page=02 -> 200 15: 3 7 15 6 11; null .
/api/v1/stores/1/stock/list/?page=%2B2 -> 200 15: 3 7 15 6 11; null .
/api/v1/stores/1/stock/list/?page=+2 -> 200 15: 3 7 15 6 11; null .
/api/v1/stores/1/stock/list/?page=2%20 -> 200 15: 3 7 15 6 11; null .
/api/v1/stores/1/stock/list/?page=%C2%A02 -> 200 15: 3 7 15 6 11; null .
/api/v1/stores/1/stock/list/?page=0_2 -> 200 15: 3 7 15 6 11; null .
/api/v1/stores/1/stock/list/?page=%D9%A2 -> 200 15: 3 7 15 6 11; null .
/api/v1/stores/1/stock/list/?page=%EF%BC%92 -> 200 15: 3 7 15 6 11; null .
/api/v1/stores/1/stock/list/?pa%67e=2 -> 200 15: 3 7 15 6 11; null .
/api/v1/stores/1/stock/list/?page=x&page=2 -> 200 15: 3 7 15 6 11; null .
/api/v1/stores/1/stock/list/?page=2&page= -> 200 15: 13 5 4 14 9 8 1 10 2 12; .?page=2 null


=== TEST 3: pages that are not there
--- gets
/api/v1/stores/1/stock/list/?page=0 -> 404 {"detail":"Page non valide."}
/api/v1/stores/1/stock/list/?page=3 -> 404 {"detail":"Page non valide."}
/api/v1/stores/1/stock/list/?page=-1 -> 404 {"detail":"Page non valide."}
/api/v1/stores/1/stock/list/?page=-0 -> 404 {"detail":"Page non valide."}
/api/v1/stores/1/stock/list/?page=1.0 -> 404 {"detail":"Page non valide."}
/api/v1/stores/1/stock/list/?page=1e0 -> 404 {"detail":"Page non valide."}
/api/v1/stores/1/stock/list/?page=abc -> 404 {"detail":"Page non valide."}
/api/v1/stores/1/stock/list/?page=LAST -> 404 {"detail":"Page non valide."}
/api/v1/stores/1/stock/list/?page=+last -> 404 {"detail":"Page non valide."}
/api/v1/stores/1/stock/list/?page=%00 -> 404 {"detail":"Page non valide."}
/api/v1/stores/1/stock/list/?page=2%00 -> 404 {"detail":"Page non valide."}
/api/v1/stores/1/stock/list/?page=_2 -> 404 {"detail":"Page non valide."}
/api/v1/stores/1/stock/list/?page=2_ -> 404 {"detail":"Page non valide."}
/api/v1/stores/1/stock/list/?page=0__2 -> 404 {"detail":"Page non valide."}
/api/v1/stores/1/stock/list/?page=+%2B+2 -> 404 {"detail":"Page non valide."}
/api/v1/stores/1/stock/list/?page=2,0 -> 404 {"detail":"Page non valide."}
/api/v1/stores/1/stock/list/?page=2147483648 -> 404 {"detail":"Page non valide."}
/api/v1/stores/1/stock/list/?page=99999999999999999999999999 -> 404 {"detail":"Page non valide."}
/api/v1/stores/6/stock/list/?page=2 -> 404 {"detail":"Page non valide."}
/api/v1/stores/6/stock/list/?page=0 -> 404 {"detail":"Page non valide."}
/api/v1/stores/1/stock/list/?quantite=1000000&page=2 -> 404 {"detail":"Page non valide."}
/api/v1/stores/1/stock/list/?quantite=-1&page=2 -> 404 {"detail":"Page non valide."}
--- response_headers eval
[("Content-Type: application/json\nCache-Control: no-store") x 22]


=== TEST 4: nothing is a page, the first and the last
--- gets
/api/v1/stores/6/stock/list/ -> 200 {"count":0,"next":null,"previous":null,"results":[]}
/api/v1/stores/6/stock/list/?page=1 -> 200 {"count":0,"next":null,"previous":null,"results":[]}
/api/v1/stores/6/stock/list/?page=last -> 200 {"count":0,"next":null,"previous":null,"results":[]}
/api/v1/stores/1/stock/list/?quantite=-1&page=last -> 200 {"count":0,"next":null,"previous":null,"results":[]}
/api/v1/stores/99999999999999999999/stock/list/?page=last -> 200 {"count":0,"next":null,"previous":null,"results":[]}


=== TEST 5: ordering
--- response_body_filters: ids
--- gets
/api/v1/stores/2/stock/list/?ordering=quantite -> 200 5: 16 20 18 17 19; null null
/api/v1/stores/2/stock/list/?ordering=-quantite -> 200 5: 19 17 18 20 16; null null
/api/v1/stores/2/stock/list/?ordering=produit__nom -> 200 5: 17 19 16 20 18; null null
/api/v1/stores/2/stock/list/?ordering=-produit__nom -> 200 5: 18 20 16 19 17; null null
/api/v1/stores/2/stock/list/ -> 200 5: 17 19 16 20 18; null null
/api/v1/stores/2/stock/list/?ordering= -> 200 5: 17 19 16 20 18; null null
/api/v1/stores/2/stock/list/?ordering=id -> 200 5: 17 19 16 20 18; null null
/api/v1/stores/2/stock/list/?ordering=--quantite -> 200 5: 17 19 16 20 18; null null
/api/v1/stores/2/stock/list/?ordering=%2Bquantite -> 200 5: 17 19 16 20 18; null null
/api/v1/stores/2/stock/list/?ordering=Quantite -> 200 5: 17 19 16 20 18; null null
/api/v1/stores/2/stock/list/?ordering=-%20quantite -> 200 5: 17 19 16 20 18; null null
/api/v1/stores/2/stock/list/?ordering=quantite%00 -> 200 5: 17 19 16 20 18; null null
/api/v1/stores/2/stock/list/?ordering=id,-quantite -> 200 5: 19 17 18 20 16; null null
/api/v1/stores/2/stock/list/?ordering=,,+quantite%C2%A0, -> 200 5: 16 20 18 17 19; null null
/api/v1/stores/2/stock/list/?ordering=quantite,-quantite -> 200 5: 16 20 18 17 19; null null
/api/v1/stores/2/stock/list/?ordering=-quantite,quantite,produit__nom -> 200 5: 19 17 18 20 16; null null
/api/v1/stores/2/stock/list/?ordering=quantite&ordering=-quantite -> 200 5: 19 17 18 20 16; null null
/api/v1/stores/2/stock/list/?ordering=quantite&ordering= -> 200 5: 17 19 16 20 18; null null
/api/v1/stores/2/stock/list/?ordering=quantite;DROP -> 200 5: 17 19 16 20 18; null null


=== TEST 6: ordering by both, with ties by id
--- init
MagasinTest::reset(
    'UPDATE stock_local SET quantite = 5 WHERE magasin_id = 2',
    'UPDATE stock_local SET quantite = 9 WHERE id IN (18, 20)',
    q{UPDATE produit SET nom = 'Pareil' WHERE id IN (4, 6, 8)});
--- response_body_filters: ids
--- gets
/api/v1/stores/2/stock/list/?ordering=quantite,produit__nom -> 200 5: 16 17 19 20 18; null null
/api/v1/stores/2/stock/list/?ordering=quantite,-produit__nom -> 200 5: 17 19 16 18 20; null null
/api/v1/stores/2/stock/list/?ordering=-quantite,produit__nom -> 200 5: 20 18 16 17 19; null null
/api/v1/stores/2/stock/list/?ordering=-quantite,-produit__nom -> 200 5: 18 20 17 19 16; null null
/api/v1/stores/2/stock/list/?ordering=produit__nom,quantite -> 200 5: 16 20 17 19 18; null null
/api/v1/stores/2/stock/list/?ordering=produit__nom,-quantite -> 200 5: 16 20 18 17 19; null null
/api/v1/stores/2/stock/list/?ordering=-produit__nom,quantite -> 200 5: 17 19 18 20 16; null null
/api/v1/stores/2/stock/list/?ordering=-produit__nom,-quantite -> 200 5: 18 17 19 20 16; null null
/api/v1/stores/2/stock/list/?ordering=quantite -> 200 5: 16 17 19 18 20; null null
/api/v1/stores/2/stock/list/?ordering=-quantite -> 200 5: 18 20 16 17 19; null null
/api/v1/stores/2/stock/list/?ordering=produit__nom -> 200 5: 16 20 17 18 19; null null
/api/v1/stores/2/stock/list/?ordering=-produit__nom -> 200 5: 17 18 19 20 16; null null


=== TEST 7: names sort as a French reader expects
--- init
MagasinTest::reset(
    'DELETE FROM stock_local WHERE magasin_id = 4',
    q{INSERT INTO produit (id, nom, categorie, prix)
      SELECT 100 + n, nom, 'c', 1
        FROM unnest(ARRAY['zèbre', 'Œuf', 'œuf', 'oeuf', 'e', 'É', 'é', 'E',
             'côté', 'cote', 'coté', 'côte', '9', '10', 'Chocolat Noir',
             'ChocolatA', 'Chocolat', '(x)', '-x', 'même', 'Même', 'MÊME'])
             WITH ORDINALITY AS t (nom, n)},
    'INSERT INTO stock_local (id, magasin_id, produit_id, quantite)
     SELECT id, 4, id, 1 FROM produit WHERE id > 100');
--- request eval
[map {"GET /api/v1/stores/4/stock/list/?page=$_"} 1 .. 3]
--- response_body_filters eval
sub { CORE::join ' ', $_[0] =~ /"produit_nom":"([^"]*)"/g }
--- response_body eval
['-x (x) 10 9 Chocolat Chocolat Noir ChocolatA cote coté côte',
 'côté e E é É même Même MÊME oeuf œuf',
 'Œuf zèbre']


=== TEST 8: the filter on names
--- init
MagasinTest::reset();
--- response_body_filters: ids
--- gets
/api/v1/stores/1/stock/list/?produit__nom=caf%C3%A9 -> 200 2: 5 4; null null
/api/v1/stores/1/stock/list/?produit__nom=CAF%C3%89 -> 200 2: 5 4; null null
/api/v1/stores/1/stock/list/?produit__nom=cafe -> 200 0: ; null null
/api/v1/stores/1/stock/list/?produit__nom=%C3%A9couteurs -> 200 1: 10; null null
/api/v1/stores/1/stock/list/?produit__nom=+th%C3%A9+ -> 200 3: 7 15 6; null null
/api/v1/stores/1/stock/list/?produit__nom=%C2%A0th%C3%A9%E3%80%80 -> 200 3: 7 15 6; null null
/api/v1/stores/1/stock/list/?produit__nom=th%C3%A9%20vert -> 200 1: 6; null null
/api/v1/stores/1/stock/list/?produit__nom=th%C3%A9%20%20vert -> 200 0: ; null null
/api/v1/stores/1/stock/list/?produit__nom=%25 -> 200 1: 8; null null
/api/v1/stores/1/stock/list/?produit__nom=_ -> 200 0: ; null null
/api/v1/stores/1/stock/list/?produit__nom=%5C -> 200 0: ; null null
/api/v1/stores/1/stock/list/?produit__nom=%27 -> 200 1: 12; null null
/api/v1/stores/1/stock/list/?produit__nom=-C -> 200 1: 13; null null
/api/v1/stores/1/stock/list/?produit__nom= -> 200 15: 13 5 4 14 9 8 1 10 2 12; .?page=2&produit__nom= null
/api/v1/stores/1/stock/list/?produit__nom=x&produit__nom=xl -> 200 1: 3; null null
/api/v1/stores/1/stock/list/?produit__nom=xl&produit__nom= -> 200 15: 13 5 4 14 9 8 1 10 2 12; .?page=2&produit__nom=xl&produit__nom= null
/api/v1/stores/1/stock/list/?produit_nom=xl -> 200 15: 13 5 4 14 9 8 1 10 2 12; .?page=2&produit_nom=xl null
/api/v1/stores/1/stock/list/?produit__nom=xl'%20OR%20'1'='1 -> 200 0: ; null null
/api/v1/stores/1/stock/list/?produit__nom=%F0%9F%98%80 -> 200 0: ; null null
/api/v1/stores/1/stock/list/?produit__nom=%E9 -> 200 0: ; null null
--- no_error_log
[error]


=== TEST 9: letters that grow when they are folded
--- init
MagasinTest::reset(
    q{UPDATE produit SET nom = 'Straße ﬁn' WHERE id = 4},
    q{UPDATE produit SET nom = 'ΟΔΟΣ' WHERE id = 6},
    q{UPDATE produit SET nom = 'İstanbul' WHERE id = 8});
--- response_body_filters: ids
--- gets
/api/v1/stores/2/stock/list/?produit__nom=strasse -> 200 1: 17; null null
/api/v1/stores/2/stock/list/?produit__nom=STRA%C3%9FE -> 200 1: 17; null null
/api/v1/stores/2/stock/list/?produit__nom=FIN -> 200 1: 17; null null
/api/v1/stores/2/stock/list/?produit__nom=%CF%83 -> 200 1: 18; null null
/api/v1/stores/2/stock/list/?produit__nom=%CF%82 -> 200 1: 18; null null
/api/v1/stores/2/stock/list/?produit__nom=%C4%B0 -> 200 1: 19; null null


=== TEST 10: the filter on quantities takes any decimal, and cuts it
--- init
MagasinTest::reset();
--- response_body_filters: ids
--- gets
/api/v1/stores/1/stock/list/?quantite=14 -> 200 1: 12; null null
/api/v1/stores/1/stock/list/?quantite=14.6 -> 200 1: 12; null null
/api/v1/stores/1/stock/list/?quantite=%2B14 -> 200 1: 12; null null
/api/v1/stores/1/stock/list/?quantite=+14+ -> 200 1: 12; null null
/api/v1/stores/1/stock/list/?quantite=014. -> 200 1: 12; null null
/api/v1/stores/1/stock/list/?quantite=1.4e1 -> 200 1: 12; null null
/api/v1/stores/1/stock/list/?quantite=1400E-2 -> 200 1: 12; null null
/api/v1/stores/1/stock/list/?quantite=1_4 -> 200 1: 12; null null
/api/v1/stores/1/stock/list/?quantite=_14_ -> 200 1: 12; null null
/api/v1/stores/1/stock/list/?quantite=%D9%A1%D9%A4 -> 200 1: 12; null null
/api/v1/stores/2/stock/list/?quantite=0 -> 200 1: 16; null null
/api/v1/stores/2/stock/list/?quantite=-0 -> 200 1: 16; null null
/api/v1/stores/2/stock/list/?quantite=-0.5 -> 200 1: 16; null null
/api/v1/stores/2/stock/list/?quantite=.9 -> 200 1: 16; null null
/api/v1/stores/2/stock/list/?quantite=0e9999999999 -> 200 1: 16; null null
/api/v1/stores/2/stock/list/?quantite=1e-1000000000000000000 -> 200 1: 16; null null
/api/v1/stores/1/stock/list/?quantite=-5 -> 200 0: ; null null
/api/v1/stores/1/stock/list/?quantite=2147483648 -> 200 0: ; null null
/api/v1/stores/1/stock/list/?quantite=99999999999999999999 -> 200 0: ; null null
/api/v1/stores/1/stock/list/?quantite=1e50 -> 200 0: ; null null
/api/v1/stores/1/stock/list/?quantite=-1e400 -> 200 0: ; null null
/api/v1/stores/1/stock/list/?quantite=100000000000000007629769841091887003294964970946560 -> 200 0: ; null null
/api/v1/stores/1/stock/list/?quantite= -> 200 15: 13 5 4 14 9 8 1 10 2 12; .?page=2&quantite= null
/api/v1/stores/1/stock/list/?quantite=%20 -> 200 15: 13 5 4 14 9 8 1 10 2 12; .?page=2&quantite=+ null
/api/v1/stores/1/stock/list/?quantite=5&quantite=14 -> 200 1: 12; null null
/api/v1/stores/1/stock/list/?quantite__gte=5 -> 200 15: 13 5 4 14 9 8 1 10 2 12; .?page=2&quantite__gte=5 null
/api/v1/stores/1/stock/list/?quantite=14&produit__nom=xl -> 200 0: ; null null
/api/v1/stores/1/stock/list/?quantite=15&produit__nom=xl -> 200 1: 3; null null


=== TEST 11: filters that are wrong, before the page and whatever the store
--- gets
/api/v1/stores/1/stock/list/?quantite=abc -> 400 {"quantite":["Saisissez un nombre."]}
/api/v1/stores/999/stock/list/?quantite=1,5 -> 400 {"quantite":["Saisissez un nombre."]}
/api/v1/stores/1/stock/list/?quantite=1+5 -> 400 {"quantite":["Saisissez un nombre."]}
/api/v1/stores/1/stock/list/?quantite=1%C2%A05 -> 400 {"quantite":["Saisissez un nombre."]}
/api/v1/stores/1/stock/list/?quantite=%2B%205 -> 400 {"quantite":["Saisissez un nombre."]}
/api/v1/stores/1/stock/list/?quantite=0x5 -> 400 {"quantite":["Saisissez un nombre."]}
/api/v1/stores/1/stock/list/?quantite=%00 -> 400 {"quantite":["Saisissez un nombre."]}
/api/v1/stores/1/stock/list/?quantite=5%00 -> 400 {"quantite":["Saisissez un nombre."]}
/api/v1/stores/1/stock/list/?quantite=NaN -> 400 {"quantite":["Saisissez un nombre."]}
/api/v1/stores/1/stock/list/?quantite=Infinity -> 400 {"quantite":["Saisissez un nombre."]}
/api/v1/stores/1/stock/list/?quantite=-inf -> 400 {"quantite":["Saisissez un nombre."]}
/api/v1/stores/1/stock/list/?quantite=. -> 400 {"quantite":["Saisissez un nombre."]}
/api/v1/stores/1/stock/list/?quantite=1e -> 400 {"quantite":["Saisissez un nombre."]}
/api/v1/stores/1/stock/list/?quantite=1e51&page=99 -> 400 {"quantite":["Assurez-vous que cette valeur est inférieure ou égale à 1e+50."]}
/api/v1/stores/1/stock/list/?quantite=1e400 -> 400 {"quantite":["Assurez-vous que cette valeur est inférieure ou égale à 1e+50."]}
/api/v1/stores/1/stock/list/?quantite=1e9999999999 -> 400 {"quantite":["Assurez-vous que cette valeur est inférieure ou égale à 1e+50."]}
/api/v1/stores/1/stock/list/?quantite=100000000000000007629769841091887003294964970946561 -> 400 {"quantite":["Assurez-vous que cette valeur est inférieure ou égale à 1e+50."]}
/api/v1/stores/1/stock/list/?produit__nom=%00 -> 400 {"produit__nom":["Le caractère nul n’est pas autorisé."]}
/api/v1/stores/1/stock/list/?produit__nom=a%00b&page=0 -> 400 {"produit__nom":["Le caractère nul n’est pas autorisé."]}
/api/v1/stores/1/stock/list/?quantite=x&produit__nom=%00 -> 400 {"produit__nom":["Le caractère nul n’est pas autorisé."],"quantite":["Saisissez un nombre."]}
/api/v1/stores/99999999999999999999/stock/list/?quantite=x -> 400 {"quantite":["Saisissez un nombre."]}


=== TEST 12: links keep the query, sorted by name
--- response_body_filters: ids
--- gets
/api/v1/stores/1/stock/list/?z=1&a=2 -> 200 15: 13 5 4 14 9 8 1 10 2 12; .?a=2&page=2&z=1 null
/api/v1/stores/1/stock/list/?x=&x=1&x=&B&_=3&a -> 200 15: 13 5 4 14 9 8 1 10 2 12; .?B=&_=3&a=&page=2&x=&x=1&x= null
/api/v1/stores/1/stock/list/?%C3%A9=1&b=2&page=1 -> 200 15: 13 5 4 14 9 8 1 10 2 12; .?b=2&page=2&%C3%A9=1 null
/api/v1/stores/1/stock/list/?=2 -> 200 15: 13 5 4 14 9 8 1 10 2 12; .?=2&page=2 null
/api/v1/stores/1/stock/list/?a=b+c%20d~!*'()-._/:%zz -> 200 15: 13 5 4 14 9 8 1 10 2 12; .?a=b+c+d~%21%2A%27%28%29-._%2F%3A%25zz&page=2 null
/api/v1/stores/1/stock/list/?a=%E9 -> 200 15: 13 5 4 14 9 8 1 10 2 12; .?a=%EF%BF%BD&page=2 null
/api/v1/stores/1/stock/list/?a=1;b=2&&c -> 200 15: 13 5 4 14 9 8 1 10 2 12; .?a=1%3Bb%3D2&c=&page=2 null
/api/v1/stores/1/stock/list/?format=json&page_size=3&limit=2 -> 200 15: 13 5 4 14 9 8 1 10 2 12; .?format=json&limit=2&page=2&page_size=3 null
/api/v1/stores/1/stock/list/?page=01&page=1&ordering=-quantite -> 200 15: 13 2 4 9 5 8 1 6 14 3; .?ordering=-quantite&page=2 null


=== TEST 13: links back
--- request eval
['GET /api/v1/stores/1/stock/list/?page=2',
 'GET /api/v1/stores/1/stock/list/?page=last&a=1',
 'GET /api/v1/stores/01/stock/list/?b&page=2&a=1&page=2',
 'GET /api/v1/stores/%31/stock/list/?page=2',
 'GET /%61pi/v1/stores/1/stock/list/?page=2']
--- response_body_filters eval
sub { $_[0] =~ /"previous":"([^"]*)"/ ? $1 : $_[0] }
--- response_body eval
['http://localhost/api/v1/stores/1/stock/list/',
 'http://localhost/api/v1/stores/1/stock/list/?a=1',
 'http://localhost/api/v1/stores/01/stock/list/?a=1&b=',
 ('http://localhost/api/v1/stores/1/stock/list/') x 2]


=== TEST 14: links name the host as it was asked for
--- request eval
[('GET /api/v1/stores/1/stock/list/') x 3]
--- more_headers eval
["Host: Example.COM:8080", "Host: a.b\nX-Forwarded-Host: c.d\nX-Forwarded-Proto: https", "Host: [::1]:80"]
--- response_body_filters eval
sub { $_[0] =~ /"next":"([^"]*)"/ ? $1 : $_[0] }
--- response_body eval
['http://Example.COM:8080/api/v1/stores/1/stock/list/?page=2',
 'http://a.b/api/v1/stores/1/stock/list/?page=2',
 'http://[::1]:80/api/v1/stores/1/stock/list/?page=2']


=== TEST 15: many pages
--- init
MagasinTest::reset(
    q{INSERT INTO produit (id, nom, categorie, prix)
      SELECT n, 'P' || lpad(n::text, 4, '0'), 'c', 1
        FROM generate_series(100, 119) n},
    'INSERT INTO stock_local (id, magasin_id, produit_id, quantite)
     SELECT n, 5, n, 1 FROM generate_series(100, 119) n');
--- response_body_filters: ids
--- gets
/api/v1/stores/5/stock/list/?produit__nom=p0&page=1 -> 200 20: 100 101 102 103 104 105 106 107 108 109; .?page=2&produit__nom=p0 null
/api/v1/stores/5/stock/list/?produit__nom=p0&page=last -> 200 20: 110 111 112 113 114 115 116 117 118 119; null .?produit__nom=p0
/api/v1/stores/5/stock/list/?page=2 -> 200 25: 106 107 108 109 110 111 112 113 114 115; .?page=3 .
/api/v1/stores/5/stock/list/?page=3 -> 200 25: 116 117 118 119 35; null .?page=2
/api/v1/stores/5/stock/list/?produit__nom=p0&page=3 -> 404


=== TEST 16: a store of more rows than a short read takes
--- init
MagasinTest::reset(
    'DELETE FROM stock_local WHERE magasin_id = 5',
    q{INSERT INTO produit (id, nom, categorie, prix)
      SELECT n, 'P' || lpad(n::text, 4, '0'), 'c', 1
        FROM generate_series(100, 1599) n},
    'INSERT INTO stock_local (id, magasin_id, produit_id, quantite)
     SELECT n, 5, n, n % 3 FROM generate_series(100, 1599) n');
--- response_body_filters: ids
--- gets
/api/v1/stores/5/stock/list/?page=2 -> 200 1500: 110 111 112 113 114 115 116 117 118 119; .?page=3 .
/api/v1/stores/5/stock/list/?page=75 -> 200 1500: 840 841 842 843 844 845 846 847 848 849; .?page=76 .?page=74
/api/v1/stores/5/stock/list/?page=last -> 200 1500: 1590 1591 1592 1593 1594 1595 1596 1597 1598 1599; null .?page=149
/api/v1/stores/5/stock/list/?page=150&ordering=-produit__nom -> 200 1500: 109 108 107 106 105 104 103 102 101 100; null .?ordering=-produit__nom&page=149
/api/v1/stores/5/stock/list/?page=151 -> 404
/api/v1/stores/5/stock/list/?ordering=quantite -> 200 1500: 102 105 108 111 114 117 120 123 126 129; .?ordering=quantite&page=2 null
/api/v1/stores/5/stock/list/?ordering=-quantite,-produit__nom&page=50 -> 200 1500: 128 125 122 119 116 113 110 107 104 101; .?ordering=-quantite%2C-produit__nom&page=51 .?ordering=-quantite%2C-produit__nom&page=49
/api/v1/stores/5/stock/list/?produit__nom=p01&page=10 -> 200 100: 190 191 192 193 194 195 196 197 198 199; null .?page=9&produit__nom=p01
/api/v1/stores/5/stock/list/?q=p1599 -> 200 1: 1599; null null
/api/v1/stores/5/stock/list/?q=p1599&page=2 -> 404
--- no_error_log
[error]
