# GET /api/v1/reports/sales/: hours and days of the stores, from sums and from
# the sales that are not in them yet.

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
MagasinTest::calls();

# Store 1 is in Paris, store 2 on La Réunion, 3 hours ahead in winter.  The
# lines: store, instant, product, units, price.
our @sales = (
    [ 1, '2026-03-28 22:59:59Z', 1, 1, '10.00' ],  # the 28th, 23:59:59
    [ 1, '2026-03-28 23:30:00Z', 1, 2, '10.00' ],  # the 29th, 00:30
    [ 1, '2026-03-29 00:30:00Z', 4, 1, '1.50' ],   # 01:30, the last of winter
    [ 1, '2026-03-29 01:30:00Z', 4, 1, '1.50' ],   # 03:30, the first of summer
    [ 2, '2026-03-28 21:00:00Z', 1, 5, '9.00' ],   # the 29th, 01:00
    [ 1, '2026-10-25 00:15:00Z', 1, 1, '10.00' ],  # 02:15 in summer
    [ 1, '2026-10-25 01:15:00Z', 1, 1, '10.00' ],  # 02:15 in winter
    [ 1, '2026-10-25 22:59:00Z', 5, 1, '3.00' ],   # the 25th hour
    [ 1, '2026-10-25 23:00:00Z', 5, 1, '3.00' ],   # the 26th
    [ 2, '2026-10-25 22:59:00Z', 8, 1, '2.00' ],   # the 26th, 02:59
);

our $id = 100;

sub sale {
    my ($magasin, $instant, $produit, $quantite, $prix) = @_;
    $id++;
    return ("INSERT INTO vente (id, magasin_id, date_vente, total)"
            . " VALUES ($id, $magasin, '$instant', $quantite * $prix)",
        "INSERT INTO ligne_vente (vente_id, produit_id, quantite,"
            . " prix_unitaire) VALUES ($id, $produit, $quantite, $prix)");
}

# Other sales than these are not there.
sub fixture {
    return MagasinTest::reset(
        "UPDATE magasin SET fuseau = 'Indian/Reunion' WHERE id = 2",
        'DELETE FROM ligne_vente', 'DELETE FROM vente',
        map { sale(@$_) } @sales);
}

# Add the sales to the sums: all of those that are older than a minute.
sub advance {
    for (1 .. 1000) {
        MagasinTest::sql('SELECT vente_periode_avancer()');
        return if MagasinTest::sql('SELECT count(*) = 0 FROM vente'
                . ' WHERE date_vente >= (SELECT bord FROM vente_periode)'
                . " AND date_vente < now() - interval '2 minutes'") eq 't';
    }
    die "the edge does not move\n";
}

sub differences {
    return MagasinTest::sql('SELECT * FROM vente_periode_ecarts()');
}

# row(PERIOD, UNITS, TOTAL, MEMBER => VALUE...): one as JSON.
sub row {
    my ($periode, $unites, $total, %of) = @_;
    return "{\"periode\":\"$periode\","
        . join('', map { "\"$_\":" . ($of{$_} // 'null') . ',' }
            qw(magasin produit categorie nom))
        . "\"unites\":$unites,\"chiffre_affaires\":\"$total\","
        . came_back($total, $of{rendues} // 0, $of{rembourse} // '0.00')
        . '}';
}

sub came_back {
    my ($total, $units, $refund) = @_;
    return "\"unites_rendues\":$units,\"remboursements\":\"$refund\","
        . sprintf('"net":"%.2f"', $total - $refund);
}

sub answer {
    my ($query, @rows) = @_;
    return "/api/v1/reports/sales/?$query -> 200 {\"next\":null,\"results\":["
        . join(',', @rows) . "]}\n";
}

our @one = (magasin => 1, nom => '"Magasin Centre-Ville"');
our @two = (magasin => 2, nom => '"Magasin Nord"');
our $march   = 'depuis=2026-03-01&jusqu_a=2026-03-31';
our $october = 'depuis=2026-10-25&jusqu_a=2026-10-25';

our $answers = join '',
    answer($march, row('2026-03-28', 1, '10.00'),
        row('2026-03-29', 9, '68.00')),
    answer("$march&par=jour&groupe=magasin",
        row('2026-03-28', 1, '10.00', @one),
        row('2026-03-29', 4, '23.00', @one),
        row('2026-03-29', 5, '45.00', @two)),
    answer("$march&magasin=2", row('2026-03-29', 5, '45.00', @two)),
    answer("$march&magasin=2&groupe=magasin",
        row('2026-03-29', 5, '45.00', @two)),
    answer("$march&magasin=3"), answer("$march&magasin=77"),
    answer('depuis=2026-03-29&jusqu_a=2026-03-28'),
    answer('depuis=2026-01-01&jusqu_a=2026-12-31&par=semaine',
        row('2026-W13', 10, '78.00'), row('2026-W43', 3, '23.00'),
        row('2026-W44', 2, '5.00')),
    answer('depuis=2026-01-01&par=mois&magasin=1',
        row('2026-03', 5, '33.00', @one), row('2026-10', 4, '26.00', @one)),
    answer("$march&groupe=produit",
        row('2026-03-28', 1, '10.00', produit => 1,
            nom => '"Clavier mécanique"'),
        row('2026-03-29', 7, '65.00', produit => 1,
            nom => '"Clavier mécanique"'),
        row('2026-03-29', 2, '3.00', produit => 4,
            nom => '"Café Premium Bio"')),
    answer("$march&groupe=categorie&magasin=1",
        row('2026-03-28', 1, '10.00', magasin => 1,
            categorie => '"Informatique"'),
        row('2026-03-29', 2, '3.00', magasin => 1,
            categorie => '"Boissons"'),
        row('2026-03-29', 2, '20.00', magasin => 1,
            categorie => '"Informatique"')),
    # A day of 25 hours: one of them is there twice.
    answer("$october&par=heure&magasin=1",
        row('2026-10-25T02:00:00+02:00', 1, '10.00', @one),
        row('2026-10-25T02:00:00+01:00', 1, '10.00', @one),
        row('2026-10-25T23:00:00+01:00', 1, '3.00', @one)),
    # A day of 23 hours, in two time zones.
    answer('depuis=2026-03-29&jusqu_a=2026-03-29&par=heure&groupe=magasin',
        row('2026-03-29T01:00:00+04:00', 5, '45.00', @two),
        row('2026-03-29T00:00:00+01:00', 2, '20.00', @one),
        row('2026-03-29T01:00:00+01:00', 1, '1.50', @one),
        row('2026-03-29T03:00:00+02:00', 1, '1.50', @one)),
    # All stores have the time zone of the first one.
    answer("$october&par=heure",
        row('2026-10-25T02:00:00+02:00', 1, '10.00'),
        row('2026-10-25T02:00:00+01:00', 1, '10.00'),
        row('2026-10-25T23:00:00+01:00', 2, '5.00')),
    answer("$october&par=heure&groupe=produit",
        row('2026-10-25T02:00:00+02:00', 1, '10.00', produit => 1,
            nom => '"Clavier mécanique"'),
        row('2026-10-25T02:00:00+01:00', 1, '10.00', produit => 1,
            nom => '"Clavier mécanique"'),
        row('2026-10-25T23:00:00+01:00', 1, '3.00', produit => 5,
            nom => '"Café Espresso Intenso"'),
        row('2026-10-25T23:00:00+01:00', 1, '2.00', produit => 8,
            nom => '"Chocolat Noir 70%"')),
    answer('depuis=2026-10-26&jusqu_a=2026-10-26&par=heure'
            . '&groupe=categorie&magasin=2',
        row('2026-10-26T02:00:00+04:00', 1, '2.00', magasin => 2,
            categorie => '"Confiserie"'));

# Returns: instant, the instant of the sale, units.
our @returns = (
    [ '2026-03-29 00:45:00Z', '2026-03-28 23:30:00Z', 1 ],  # 01:45
    [ '2026-03-29 21:59:59Z', '2026-03-28 22:59:59Z', 1 ],  # 23:59:59
    [ '2026-03-29 22:00:00Z', '2026-03-28 23:30:00Z', 1 ],  # the 30th
    [ '2026-03-29 20:30:00Z', '2026-03-28 21:00:00Z', 5 ],  # the 30th, 00:30
    [ '2026-10-25 00:30:00Z', '2026-10-25 00:15:00Z', 1 ],  # 02:30 in summer
    [ '2026-10-25 01:30:00Z', '2026-03-29 00:30:00Z', 1 ],  # 02:30 in winter
);

sub returns {
    my $n = 0;
    return map {
        my ($instant, $sale, $units) = @$_;
        $n++;
        ("INSERT INTO retour (id, vente_id, magasin_id, date_retour,"
            . " remise_en_stock, total) SELECT $n, id, magasin_id, '$instant',"
            . " true, 0 FROM vente WHERE date_vente = '$sale'",
        'INSERT INTO retour_ligne (retour_id, ligne_id, produit_id, quantite,'
            . " prix_unitaire) SELECT $n, l.id, l.produit_id, $units,"
            . ' l.prix_unitaire FROM ligne_vente l JOIN vente v'
            . " ON v.id = l.vente_id WHERE v.date_vente = '$sale'")
    } @returns;
}

our $net = join '',
    answer($march, row('2026-03-28', 1, '10.00'),
        row('2026-03-29', 9, '68.00', rendues => 2, rembourse => '20.00'),
        row('2026-03-30', 0, '0.00', rendues => 6, rembourse => '55.00')),
    answer("$march&par=jour&groupe=magasin",
        row('2026-03-28', 1, '10.00', @one),
        row('2026-03-29', 4, '23.00', @one, rendues => 2,
            rembourse => '20.00'),
        row('2026-03-29', 5, '45.00', @two),
        row('2026-03-30', 0, '0.00', @one, rendues => 1,
            rembourse => '10.00'),
        row('2026-03-30', 0, '0.00', @two, rendues => 5,
            rembourse => '45.00')),
    answer("$march&magasin=2", row('2026-03-29', 5, '45.00', @two),
        row('2026-03-30', 0, '0.00', @two, rendues => 5,
            rembourse => '45.00')),
    answer('depuis=2026-01-01&par=mois&magasin=1',
        row('2026-03', 5, '33.00', @one, rendues => 3, rembourse => '30.00'),
        row('2026-10', 4, '26.00', @one, rendues => 2,
            rembourse => '11.50')),
    answer('depuis=2026-03-30&jusqu_a=2026-03-31&groupe=produit',
        row('2026-03-30', 0, '0.00', produit => 1,
            nom => '"Clavier mécanique"', rendues => 6,
            rembourse => '55.00')),
    answer("$october&par=heure&magasin=1",
        row('2026-10-25T02:00:00+02:00', 1, '10.00', @one, rendues => 1,
            rembourse => '10.00'),
        row('2026-10-25T02:00:00+01:00', 1, '10.00', @one, rendues => 1,
            rembourse => '1.50'),
        row('2026-10-25T23:00:00+01:00', 1, '3.00', @one)),
    answer('depuis=2026-03-29&jusqu_a=2026-03-29&par=heure&groupe=magasin',
        row('2026-03-29T01:00:00+04:00', 5, '45.00', @two),
        row('2026-03-29T00:00:00+01:00', 2, '20.00', @one),
        row('2026-03-29T01:00:00+01:00', 1, '1.50', @one, rendues => 1,
            rembourse => '10.00'),
        row('2026-03-29T03:00:00+02:00', 1, '1.50', @one),
        row('2026-03-29T23:00:00+02:00', 0, '0.00', @one, rendues => 1,
            rembourse => '10.00')),
    answer("$october&par=heure",
        row('2026-10-25T02:00:00+02:00', 1, '10.00', rendues => 1,
            rembourse => '10.00'),
        row('2026-10-25T02:00:00+01:00', 1, '10.00', rendues => 1,
            rembourse => '1.50'),
        row('2026-10-25T23:00:00+01:00', 2, '5.00')),
    answer("$october&par=heure&groupe=categorie&magasin=1",
        row('2026-10-25T02:00:00+02:00', 1, '10.00', magasin => 1,
            categorie => '"Informatique"', rendues => 1,
            rembourse => '10.00'),
        row('2026-10-25T02:00:00+01:00', 0, '0.00', magasin => 1,
            categorie => '"Boissons"', rendues => 1, rembourse => '1.50'),
        row('2026-10-25T02:00:00+01:00', 1, '10.00', magasin => 1,
            categorie => '"Informatique"'),
        row('2026-10-25T23:00:00+01:00', 1, '3.00', magasin => 1,
            categorie => '"Boissons"'));

# What a person changes at psql.
sub changed {
    fixture();
    advance();
    MagasinTest::sql(@_);
    return Test::More::is(differences(), '', 'no difference');
}

# The edge does not pass a sale whose transaction is open, however old it is.
sub open_transaction {
    fixture();
    advance();
    my $held = MagasinTest::hold(sale(3, 'now', 2, 1, '4.00'));
    MagasinTest::sql('SELECT vente_periode_avancer()');
    MagasinTest::sql("UPDATE vente_periode SET suivant = 'now'");
    MagasinTest::sql('SELECT vente_periode_avancer()') for 1 .. 3;
    Test::More::is(
        MagasinTest::sql('SELECT bord < suivant FROM vente_periode'),
        't', 'the edge stays');
    MagasinTest::release($held, 'COMMIT');
    MagasinTest::sql('SELECT vente_periode_avancer()');
    Test::More::is(
        MagasinTest::sql('SELECT count(*) FROM vente, vente_periode'
                . ' WHERE magasin_id = 3 AND date_vente < bord'),
        1, 'the edge has passed the sale');
    return Test::More::is(differences(), '', 'and the sale is in the sums');
}

# A store whose clocks go back at 01:00 to 00:00: the 25th has that hour twice,
# and its sums and its sales are those of this day.
our @three = (magasin => 3, nom => '"Magasin Est"');

sub azores {
    return MagasinTest::reset(
        "UPDATE magasin SET fuseau = 'Atlantic/Azores' WHERE id IN (1, 3)",
        'DELETE FROM ligne_vente', 'DELETE FROM vente',
        sale(3, '2026-10-24 23:30:00Z', 1, 4, '1.00'),
        sale(3, '2026-10-25 00:30:00Z', 1, 1, '1.00'),
        sale(3, '2026-10-25 01:30:00Z', 1, 2, '1.00'),
        sale(3, '2026-10-26 00:30:00Z', 1, 3, '1.00'),
        sale(3, '2026-10-26 01:30:00Z', 1, 5, '1.00'),
        "INSERT INTO retour (id, vente_id, magasin_id, date_retour,"
            . ' remise_en_stock, total) SELECT 1, id, 3,'
            . " '2026-10-25 00:45:00Z', true, 1 FROM vente"
            . " WHERE date_vente = '2026-10-24 23:30:00Z'",
        'INSERT INTO retour_ligne (retour_id, ligne_id, produit_id, quantite,'
            . ' prix_unitaire) SELECT 1, id, 1, 1, 1 FROM ligne_vente'
            . ' WHERE quantite = 4');
}

sub twice {
    my (%of) = @_;
    return (row('2026-10-25T00:00:00+00:00', 1, '1.00', %of, rendues => 1,
            rembourse => '1.00'),
        row('2026-10-25T00:00:00-01:00', 2, '2.00', %of),
        row('2026-10-25T23:00:00-01:00', 3, '3.00', %of));
}

our @keyboard = (produit => 1, nom => '"Clavier mécanique"');
our $day_before = 'depuis=2026-10-24&jusqu_a=2026-10-24';
our $midnights = join '',
    answer("$october&magasin=3",
        row('2026-10-25', 6, '6.00', @three, rendues => 1,
            rembourse => '1.00')),
    answer("$october&par=heure&magasin=3", twice(@three)),
    answer("$october&par=heure", twice()),
    answer("$october&par=heure&groupe=produit&magasin=3",
        twice(magasin => 3, @keyboard)),
    answer("$october&par=heure&groupe=produit", twice(@keyboard)),
    answer("$day_before&par=heure&magasin=3",
        row('2026-10-24T23:00:00+00:00', 4, '4.00', @three)),
    answer("$day_before&par=heure&groupe=produit",
        row('2026-10-24T23:00:00+00:00', 4, '4.00', @keyboard));

# Page after page of one row, in the bodies of the answers.
our $next = '';

sub page {
    my ($body) = @_;
    $next = $body =~ m{^\{"next":"http://localhost(/[^"]*)"} ? $1 : '';
    return $body;
}

MagasinTest::each_block(sub {
    my ($block) = @_;
    my $request = $block->request;
    $block->set_value(request => $request =~ s/<next>/$next/r)
        if defined $request && !ref $request;
    return;
});

fixture();
run_tests();
MagasinTest::reset();

__DATA__

=== TEST 1: hours, days, weeks and months, of sales that no sum has
--- init: main::fixture()
--- gets eval: $::answers


=== TEST 2: the same from the sums
--- init
main::fixture();
main::advance();
Test::More::is(main::differences(), '', 'no difference');
--- gets eval: $::answers


=== TEST 3: the same where the edge is between the sales
--- init
main::fixture();
Test::More::like(MagasinTest::sql('SELECT vente_periode_reconstruire()',
    "UPDATE vente_periode SET suivant = '2026-03-29 00:30:00Z'",
    'SELECT vente_periode_avancer()', 'SELECT bord FROM vente_periode'),
    qr/^2026-03-29 00:30:00\+00$/m, 'the edge');
Test::More::is(main::differences(), '', 'no difference');
--- gets eval: $::answers


=== TEST 4: sales that come late, when the sums have gone on
--- init
MagasinTest::reset("UPDATE magasin SET fuseau = 'Indian/Reunion' WHERE id = 2",
    'DELETE FROM ligne_vente', 'DELETE FROM vente');
main::advance();
MagasinTest::sql(map { main::sale(@$_) } @main::sales);
Test::More::is(main::differences(), '', 'no difference');
--- gets eval: $::answers


=== TEST 5: a line changes its units, its product, its sale
--- init
main::changed('UPDATE ligne_vente SET quantite = 7 WHERE produit_id = 1'
        . ' AND quantite = 5');
--- gets eval
main::answer("$main::march&groupe=magasin",
    main::row('2026-03-28', 1, '10.00', @main::one),
    main::row('2026-03-29', 4, '23.00', @main::one),
    main::row('2026-03-29', 7, '63.00', @main::two))


=== TEST 6: a sale changes its store and its date
--- init
main::changed("UPDATE vente SET magasin_id = 2, date_vente = '2026-03-28 19:00:00Z'"
        . " WHERE date_vente = '2026-03-28 23:30:00Z'");
--- gets eval
main::answer("$main::march&groupe=magasin",
    main::row('2026-03-28', 1, '10.00', @main::one),
    main::row('2026-03-28', 2, '20.00', @main::two),
    main::row('2026-03-29', 2, '3.00', @main::one),
    main::row('2026-03-29', 5, '45.00', @main::two))


=== TEST 7: lines and sales are deleted
--- init
main::changed('DELETE FROM ligne_vente WHERE quantite = 5',
        'DELETE FROM vente v WHERE NOT EXISTS'
            . ' (SELECT FROM ligne_vente WHERE vente_id = v.id)');
--- gets eval
main::answer("$main::march&groupe=magasin",
    main::row('2026-03-28', 1, '10.00', @main::one),
    main::row('2026-03-29', 4, '23.00', @main::one))


=== TEST 8: a store changes its time zone, and its days with it
--- init
main::changed("UPDATE magasin SET fuseau = 'Europe/Paris' WHERE id = 2");
--- gets eval
main::answer("$main::march&groupe=magasin",
    main::row('2026-03-28', 1, '10.00', @main::one),
    main::row('2026-03-28', 5, '45.00', @main::two),
    main::row('2026-03-29', 4, '23.00', @main::one))


=== TEST 9: all lines go at once
--- init
main::changed('TRUNCATE ligne_vente CASCADE');
--- gets eval
main::answer("$main::march&groupe=magasin")


=== TEST 10: a sale of this instant is in the answer at once, and once when the edge passes it
--- init
main::fixture();
main::advance();
--- calls
POST /api/v1/sales/ {"magasin":3,"lignes":[{"produit":2,"quantite":2,"prix_unitaire":"4.00"}]} -> 201 ~"total":"8\.00"
GET /api/v1/reports/sales/?magasin=3 -> 200 ~^\{"next":null,"results":\[\{"periode":"\d{4}-\d\d-\d\d","magasin":3,"produit":null,"categorie":null,"nom":"Magasin Est","unites":2,"chiffre_affaires":"8\.00","unites_rendues":0,"remboursements":"0\.00","net":"8\.00"\}\]\}\z
GET /api/v1/reports/sales/?magasin=3&groupe=produit&par=heure -> 200 ~"periode":"[-0-9]{10}T\d\d:00:00\+0[12]:00","magasin":3,"produit":2,"categorie":null,"nom":"Souris optique","unites":2,"chiffre_affaires":"8\.00","unites_rendues":0,"remboursements":"0\.00","net":"8\.00"\}\]\}\z


=== TEST 11: the edge waits for a transaction that is open
--- init: main::open_transaction()
--- gets
/api/v1/reports/sales/?magasin=3 -> 200 ~"unites":1,"chiffre_affaires":"4\.00",[^{}]*\}\]\}\z


=== TEST 12: a sale of a batch that is before the edge, as after a clock went back
--- init
main::fixture();
main::advance();
MagasinTest::sql("UPDATE vente_periode SET bord = now() + interval '1 hour',"
    . " suivant = now() + interval '1 hour'");
--- calls
POST /api/v1/sales/ {"magasin":3,"lignes":[{"produit":2,"quantite":2,"prix_unitaire":"4.00"}]} -> 201 ~"total":"8\.00"
POST /api/v1/sales/ {"magasin":3,"lignes":[{"produit":2,"quantite":1,"prix_unitaire":"4.00"},{"produit":5,"quantite":1,"prix_unitaire":"1.00"}]} -> 201 ~"total":"5\.00"
GET /api/v1/reports/sales/?magasin=3 -> 200 ~"unites":4,"chiffre_affaires":"13\.00",[^{}]*\}\]\}\z


=== TEST 13: pages
--- init: main::fixture()
--- gets
/api/v1/reports/sales/?depuis=2026-03-01&jusqu_a=2026-03-31&groupe=categorie&limit=1 -> 200 ~^\{"next":"http://localhost/api/v1/reports/sales/\?cursor=[\w-]+&depuis=2026-03-01&groupe=categorie&jusqu_a=2026-03-31&limit=1","results":\[\{"periode":"2026-03-28",[^{}]*\}\]\}\z
--- response_body_filters eval: \&main::page


=== TEST 14: the second page
--- init: 1
--- request: GET <next>
--- response_body_like: ^\{"next":"[^"]*","results":\[\{"periode":"2026-03-29",[^{}]*"categorie":"Boissons",[^{}]*\}\]\}\Z
--- response_body_filters eval: \&main::page


=== TEST 15: the last page
--- init: 1
--- request: GET <next>
--- response_body_like: ^\{"next":null,"results":\[\{"periode":"2026-03-29",[^{}]*"categorie":"Informatique",[^{}]*\}\]\}\Z


=== TEST 16: parameters
--- gets
/api/v1/reports/sales/?par=annee -> 400 {"par":["Ce choix n'est pas valide."]}
/api/v1/reports/sales/?groupe=ville -> 400 {"groupe":["Ce choix n'est pas valide."]}
/api/v1/reports/sales/?depuis=2026-02-29 -> 400 {"depuis":["La date doit être au format AAAA-MM-JJ."]}
/api/v1/reports/sales/?jusqu_a=2026-02-28T00:00:00Z&magasin=x -> 400 {"magasin":["Un nombre entier valide est requis."],"jusqu_a":["La date doit être au format AAAA-MM-JJ."]}
/api/v1/reports/sales/?limit=0&cursor=x -> 400 ~^\{"limit":.*"cursor":


=== TEST 17: returns count when they are made, which no sum has yet
--- init
main::fixture();
MagasinTest::sql(main::returns());
--- gets eval: $::net


=== TEST 18: the same from the sums
--- init
main::fixture();
MagasinTest::sql(main::returns());
main::advance();
Test::More::is(main::differences(), '', 'no difference');
--- gets eval: $::net


=== TEST 19: the same where the edge is between the returns
--- init
main::fixture();
MagasinTest::sql(main::returns());
Test::More::like(MagasinTest::sql('SELECT vente_periode_reconstruire()',
    "UPDATE vente_periode SET suivant = '2026-03-29 21:59:59Z'",
    'SELECT vente_periode_avancer()', 'SELECT bord FROM vente_periode'),
    qr/^2026-03-29 21:59:59\+00$/m, 'the edge');
Test::More::is(main::differences(), '', 'no difference');
--- gets eval: $::net


=== TEST 20: returns that come late, when the sums have gone on
--- init
main::fixture();
main::advance();
MagasinTest::sql(main::returns());
Test::More::is(main::differences(), '', 'no difference');
--- gets eval: $::net


=== TEST 21: they are deleted
--- init
main::fixture();
MagasinTest::sql(main::returns());
main::changed('DELETE FROM retour_ligne');
--- gets eval: $::answers


=== TEST 22: they are deleted beside the sums
--- init
main::fixture();
MagasinTest::sql(main::returns());
main::advance();
MagasinTest::sql('DELETE FROM retour_ligne', 'DELETE FROM retour');
Test::More::is(main::differences(), '', 'no difference');
--- gets eval: $::answers


=== TEST 23: a store changes its time zone, and the days of returns with it
--- init
main::fixture();
MagasinTest::sql(main::returns());
main::advance();
MagasinTest::sql("UPDATE magasin SET fuseau = 'Europe/Paris' WHERE id = 2");
Test::More::is(main::differences(), '', 'no difference');
--- gets eval
main::answer("$main::march&magasin=2", main::row('2026-03-28', 5, '45.00', @main::two),
    main::row('2026-03-29', 0, '0.00', @main::two, rendues => 5, rembourse => '45.00'))


=== TEST 24: a return of this instant is in the answer at once
--- init
$main::id = 100;
main::fixture();
main::advance();
--- calls
POST /api/v1/sales/101/returns/ {"lignes":[{"produit":1,"quantite":1}],"remise_en_stock":true} -> 201 ~"total":"10\.00"
GET /api/v1/reports/sales/?magasin=1 -> 200 ~^\{"next":null,"results":\[\{"periode":"\d{4}-\d\d-\d\d","magasin":1,"produit":null,"categorie":null,"nom":"Magasin Centre-Ville","unites":0,"chiffre_affaires":"0\.00","unites_rendues":1,"remboursements":"10\.00","net":"-10\.00"\}\]\}\z


=== TEST 25: a day whose midnight comes twice
--- init: main::azores()
--- gets eval: $::midnights


=== TEST 26: and in the sums
--- init
main::azores();
main::advance();
Test::More::is(main::differences(), '', 'no difference');
--- gets eval: $::midnights
