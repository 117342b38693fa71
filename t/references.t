# What a sale and its lines name is there: vente.magasin_id, ligne_vente.vente_id
# and ligne_vente.produit_id are checked by triggers of statements, in the words
# of foreign keys.  Whoever writes, and whoever deletes at the same time.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use MagasinTest;

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

my $line  = 'INSERT INTO ligne_vente (vente_id, produit_id, quantite,'
    . ' prix_unitaire) VALUES';
my $vente = 'INSERT INTO vente (id, magasin_id, total) VALUES';

# What psql says of statements in one transaction; '' when it accepts them.
sub said {
    my (@statements) = @_;
    return '' if eval { MagasinTest::sql(@statements); 1 };
    return $@;
}

sub wrong {
    return MagasinTest::sql('SELECT nom_table, colonne, valeur'
            . ' FROM reference_ecarts() ORDER BY 1, 2, 3');
}

sub refused {
    my ($name, $words, @statements) = @_;
    like(said(@statements), $words, "$name: refused");
    is(wrong(), '', "$name: all that is named is there");
    return;
}

sub accepted {
    my ($name, @statements) = @_;
    MagasinTest::reset();
    is(said(@statements), '', "$name: accepted");
    is(wrong(), '', "$name: all that is named is there");
    return;
}

MagasinTest::reset();

# Those who name

refused('a sale of no store',
    qr/table\ "vente"\ violates\ .*"vente_magasin_id_fkey"\n
       .*\(magasin_id\)=\(77\)\ is\ not\ present\ in\ table\ "magasin"/x,
    "$vente (100, 1, 1), (101, 77, 1)");
refused('a line of no sale', qr/"ligne_vente_vente_id_fkey"/,
    "$line (1, 4, 1, 1), (999, 4, 1, 1)");
refused('a line of no product', qr/"ligne_vente_produit_id_fkey"/,
    "$line (1, 4, 1, 1), (1, 999, 1, 1)");
refused('COPY', qr/"ligne_vente_produit_id_fkey"/,
    "COPY ligne_vente (vente_id, produit_id, quantite, prix_unitaire)"
        . " FROM PROGRAM 'printf \"1\\t4\\t1\\t1\\n1\\t999\\t1\\t1\\n\"'");
refused('a sale moves to no store', qr/"vente_magasin_id_fkey"/,
    'UPDATE vente SET magasin_id = magasin_id + 3');
refused('lines of a product that is not there',
    qr/"ligne_vente_produit_id_fkey"/,
    'UPDATE ligne_vente SET produit_id = produit_id + 6');
refused('a line moves to no sale', qr/"ligne_vente_vente_id_fkey"/,
    'UPDATE ligne_vente SET vente_id = 7 WHERE id = 9');
refused('one who calls himself a batch', qr/"ligne_vente_produit_id_fkey"/,
    "SET LOCAL magasin.lot = '0'", "$line (1, 999, 1, 1)");
refused('one in a trigger of the batch', qr/"ligne_vente_produit_id_fkey"/,
    'CREATE FUNCTION pg_temp.espion() RETURNS trigger LANGUAGE plpgsql AS'
        . " 'BEGIN $line (1, 999, 1, 1); RETURN NULL; END'",
    'CREATE TRIGGER espion AFTER INSERT ON compte_vente FOR EACH ROW'
        . ' WHEN (NEW.unites = 3) EXECUTE FUNCTION pg_temp.espion()',
    sale(1, 4, 3));

accepted('a sale with its lines, in one statement',
    "WITH v AS ($vente (100, 1, 1) RETURNING id)"
        . ' INSERT INTO ligne_vente (vente_id, produit_id, quantite,'
        . ' prix_unitaire) SELECT id, 4, 1, 1 FROM v');
accepted('nothing', "INSERT INTO vente (magasin_id, total)"
    . ' SELECT 77, 1 WHERE false');
accepted('what is named stays itself',
    'UPDATE vente SET magasin_id = magasin_id',
    'UPDATE ligne_vente SET vente_id = vente_id, produit_id = produit_id',
    'UPDATE vente SET id = id', 'UPDATE produit SET id = id');

# Those who go

MagasinTest::reset();
refused('a sale with lines goes',
    qr/on\ table\ "vente"\ violates\ .*\ "ligne_vente_vente_id_fkey"\ on\ table
       \ "ligne_vente"/x, 'DELETE FROM vente WHERE id = 1');
refused('a sale with lines gets another id', qr/"ligne_vente_vente_id_fkey"/,
    'UPDATE vente SET id = 100 WHERE id = 1');
refused('a store with sales goes', qr/"vente_magasin_id_fkey"/,
    'DELETE FROM stock_local', 'DELETE FROM demande_reapprovisionnement',
    'DELETE FROM magasin WHERE id = 3');
refused('a product that was sold goes', qr/"ligne_vente_produit_id_fkey"/,
    'DELETE FROM stock_local', 'DELETE FROM stock_central',
    'DELETE FROM demande_reapprovisionnement',
    'DELETE FROM produit WHERE id = 9');
refused('with an old snapshot', qr/in READ COMMITTED only/,
    'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ',
    "$vente (100, 1, 1)", 'DELETE FROM vente WHERE id = 100');
refused('TRUNCATE of the sales alone', qr/ligne_vente\.vente_id/,
    'TRUNCATE vente, retour, retour_ligne');
refused('TRUNCATE of the stores', qr/vente\.magasin_id/,
    'TRUNCATE magasin CASCADE');
refused('TRUNCATE of the products', qr/ligne_vente\.produit_id/,
    'TRUNCATE produit CASCADE');

accepted('a sale without lines goes', "$vente (100, 1, 1)",
    'DELETE FROM vente WHERE id = 100');
accepted('lines and sales go in one statement',
    'WITH l AS (DELETE FROM ligne_vente) DELETE FROM vente');
accepted('a sale goes, and another one comes in its place',
    'WITH v AS (DELETE FROM vente WHERE id = 5 RETURNING *)'
        . ' INSERT INTO vente SELECT * FROM v');
accepted('TRUNCATE of sales and lines',
    'TRUNCATE vente, ligne_vente, retour, retour_ligne');

# At the same time: the second waits, and sees what the first did.

sub sale {
    my ($store, $product, $n) = @_;
    return "SELECT statut FROM lot_ecrire('{vente}', '{caisse}', '{NULL}',"
        . " '{e}', '{$store}', '{NULL}', '{NULL}', '{NULL}', '{1}',"
        . " '{$product}', '{$n}', '{NULL}', '{NULL}', '{NULL}', '{NULL}',"
        . " '{NULL}', '{NULL}', false)";
}

sub race {
    my ($name, $before, $first, $second, $words) = @_;
    MagasinTest::reset(@$before);
    my $mark = "references-$$";
    my $held = MagasinTest::hold(@$first);
    my $pid  = open(my $pipe, '-|') // die "fork: $!\n";
    if ($pid == 0) {
        print said("SET LOCAL application_name = '$mark'", @$second);
        close STDOUT;
        require POSIX;
        POSIX::_exit(0);
    }
    my $waits = '';
    for (1 .. 3000) {
        $waits = MagasinTest::sql('SELECT wait_event_type FROM'
                . " pg_stat_activity WHERE application_name = '$mark'");
        last if $waits eq 'Lock';
        select undef, undef, undef, 0.02;
    }
    is($waits, 'Lock', "$name: waits");
    MagasinTest::release($held, 'COMMIT');
    my $text = do { local $/; <$pipe> } // '';
    close $pipe;
    like($text, $words, $name);
    is(wrong(), '', "$name: all that is named is there");
    return;
}

# Product 15 was never sold.
my @bare = ('DELETE FROM stock_central WHERE produit_id = 15',
    'DELETE FROM stock_local WHERE produit_id = 15');
my $gone = 'DELETE FROM produit WHERE id = 15';

race('a line, and its product goes', \@bare, ["$line (1, 15, 1, 1)"],
    [$gone], qr/"ligne_vente_produit_id_fkey"/);
race('a product goes, and a line of it', \@bare, [$gone],
    ["$line (1, 15, 1, 1)"], qr/"ligne_vente_produit_id_fkey"/);
race('a line, and its sale goes', ["$vente (100, 1, 1)"],
    ["$line (100, 1, 1, 1)"], ['DELETE FROM vente WHERE id = 100'],
    qr/"ligne_vente_vente_id_fkey"/);
race('a sale goes, and a line of it', ["$vente (100, 1, 1)"],
    ['DELETE FROM vente WHERE id = 100'], ["$line (100, 1, 1, 1)"],
    qr/"ligne_vente_vente_id_fkey"/);
race('a sale, and its store goes',
    ["INSERT INTO magasin (id, nom, adresse) VALUES (9, 'a', 'b')"],
    ["$vente (100, 9, 1)"], ['DELETE FROM magasin WHERE id = 9'],
    qr/"vente_magasin_id_fkey"/);
race('a store goes, and a sale of it',
    ["INSERT INTO magasin (id, nom, adresse) VALUES (9, 'a', 'b')"],
    ['DELETE FROM magasin WHERE id = 9'], ["$vente (100, 9, 1)"],
    qr/"vente_magasin_id_fkey"/);
race('a sale of a batch, and its product goes',
    ['DELETE FROM stock_central WHERE produit_id = 15',
     'INSERT INTO stock_local (magasin_id, produit_id, quantite)'
         . ' VALUES (1, 15, 5) ON CONFLICT (magasin_id, produit_id)'
         . ' DO UPDATE SET quantite = 5'],
    [sale(1, 15, 5)],
    ['DELETE FROM stock_local WHERE produit_id = 15', $gone],
    qr/"ligne_vente_produit_id_fkey"/);

# Triggers were off.
{
    MagasinTest::reset('SET LOCAL session_replication_role = replica',
        "$vente (100, 77, 1)", "$line (999, 4, 1, 1), (1, 888, 1, 1)");
    is(wrong(), "ligne_vente|produit_id|888\nligne_vente|vente_id|999\n"
        . 'vente|magasin_id|77', 'reference_ecarts() finds what is not there');
}

MagasinTest::reset();
done_testing();
