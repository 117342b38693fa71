# The journal as a ledger: every change of every table is there, whoever makes
# it and however, and the sum of the deltas is the stock.

use strict;
use warnings;

use lib 't/inc';
use Test::Base 'no_plan';
use File::Temp qw(tempfile);
use MagasinTest;

# A block starts from the fixture.  `--- sql` is run in one transaction, by a
# superuser or by `--- role: web`; `--- journal` is what it has added,
#
#     TYPE STORE PRODUCT DELTA QUANTITY [ref=…] [par=…] [motif=…] [DETAILS]
#
# where "-" is NULL and par is only told of others than the superuser.  With
# `--- error` the statements are refused in these words, and add nothing.
# `--- sums` are, of what was added, the count, and the sums of delta and of
# quantite.

if (!$ENV{TEST_NGINX_ADMIN_DATABASE}) {
    plan(skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)');
}

my $admin = MagasinTest::admin();
my $web   = $ENV{TEST_NGINX_DATABASE};

# script(CONNINFO, TEXT): whether psql accepts it, and what it prints
sub script {
    my ($conninfo, $text) = @_;
    my ($file, $name) = tempfile(UNLINK => 1);
    print {$file} "\\set VERBOSITY terse\n", $text;
    close $file;
    my $output = `PGOPTIONS='-c client_min_messages=warning' psql -X -q -A -t -1 -v ON_ERROR_STOP=1 -d '$conninfo' -f '$name' 2>&1`;
    return ($? == 0, $output);
}

sub journal {
    my ($after) = @_;
    return MagasinTest::sql(<<"SQL");
SELECT concat_ws(' ', type, coalesce(magasin_id::text, '-'),
                 coalesce(produit_id::text, '-'),
                 coalesce(to_char(delta, 'FMSG9999999990'), '-'),
                 coalesce(quantite::text, '-'), 'ref=' || reference,
                 CASE WHEN acteur <> session_user THEN 'par=' || acteur END,
                 'motif=' || motif, details - 'date_decision')
  FROM journal WHERE id > $after ORDER BY id
SQL
}

# check(): exit status and what scripts/check.sh prints
sub check {
    my ($what, $database) = @_;
    local $ENV{DATABASE} = $database // $admin;
    my $output = `'$MagasinTest::Top/scripts/check.sh' '$what' 2>/dev/null`;
    return ($? >> 8, $output);
}

sub sound {
    my ($name) = @_;
    my ($status, $output) = check('ledger');
    is($status, 0, "$name: the ledger is right") or diag $output;
    return;
}

MagasinTest::reset();
sound('the fixture');

run {
    my ($block) = @_;
    my $name = $block->name;

    MagasinTest::reset();
    my $last = MagasinTest::sql('SELECT max(id) FROM journal');
    my $role = $block->role // 'admin';
    my ($accepted, $output)
        = script($role =~ /^web/ ? $web : $admin, $block->sql);

    if (defined $block->error) {
        ok(!$accepted, "$name: refused");
        chomp(my $error = $block->error);
        like($output, qr/\Q$error\E/, "$name: why");
    } else {
        ok($accepted, "$name: accepted") or diag $output;
    }
    if (defined $block->sums) {
        is(MagasinTest::sql("SELECT count(*) || ' ' || sum(delta) || ' '"
                    . " || sum(quantite) FROM journal WHERE id > $last"),
            $block->sums, "$name: the journal");
    } else {
        is(journal($last) . "\n", ($block->journal // '') || "\n",
            "$name: the journal");
    }
    sound($name);
};


# What is in transit is there twice: in documents, and by the journal alone.
{
    my $ask = "'quai', NULL, NULL";
    MagasinTest::reset("SELECT transfert_creer(1, 2, '{4,9}', '{5,2}', NULL,"
        . " $ask)", "SELECT transfert_creer(NULL, 2, '{4}', '{5}', NULL, $ask)",
        "SELECT transfert_creer(2, 1, '{4}', '{1}', NULL, $ask)",
        "SELECT transfert_recevoir(2, '{4}', '{3}', NULL,"
        . " 'stock', NULL, $ask)",
        "SELECT transfert_annuler(3, NULL, 'stock', NULL, $ask)");
    sound('transfers');
    MagasinTest::sql('UPDATE transfert_ligne SET quantite = 4'
        . ' WHERE transfert_id = 1 AND produit_id = 4');
    my ($status, $output) = check('ledger');
    is($status, 1, 'transit: a line is another: found');
    like($output, qr/transfert 1, produit 4: 4 are in transit, and the journal says 5/,
        'transit: what is wrong');
}

# Returns that the journal tells otherwise than their lines.
{
    MagasinTest::reset("SELECT FROM retour_creer(1, '{1,4}', '{3,1}', '', false,"
        . " NULL, 'x', NULL, NULL)");
    is((check('ledger'))[0], 0, 'returns: nothing to find');
    MagasinTest::sql('ALTER TABLE retour_ligne DISABLE TRIGGER inchange',
        'UPDATE retour_ligne SET quantite = 2 WHERE produit_id = 1',
        'ALTER TABLE retour_ligne ENABLE ALWAYS TRIGGER inchange');
    my ($status, $output) = check('ledger');
    is($status, 1, 'returns: a line is another: found');
    is($output, "retour 1, produit 1: 2 came back and 2 were written off, and"
        . " the journal says 3 and 3\n", 'returns: what is wrong');
}


# What magasin_web may not do, each by itself.  An archive may have taken the
# first partitions of the journal away.
MagasinTest::reset();
for my $statement (
    (map {("INSERT INTO $_ SELECT * FROM $_ LIMIT 1", "DELETE FROM $_",
           "TRUNCATE $_ CASCADE", "DROP TABLE $_ CASCADE",
           "ALTER TABLE $_ DISABLE TRIGGER ALL",
           "CREATE TRIGGER t BEFORE INSERT ON $_ EXECUTE FUNCTION"
           . " suppress_redundant_updates_trigger()")}
        qw(magasin produit stock_local stock_central vente ligne_vente
           demande_reapprovisionnement journal cumul_vente fenetre
           idempotence compte_stock compte_vente journal_repere
           journal_vie journal_partie reception reception_ligne
           transfert transfert_ligne comptage comptage_ligne vente_heure
           vente_heure_produit vente_jour vente_jour_produit vente_periode retour
           retour_ligne compte_retour stock_marque stock_repere stock_histoire),
        MagasinTest::sql("SELECT 'journal_' || max(numero)"
            . ' FROM journal_partie')),
    'UPDATE magasin SET nom = nom', 'UPDATE produit SET id = id',
    'UPDATE produit SET quantite_stock = 9',
    'UPDATE stock_local SET quantite = 9',
    'UPDATE stock_central SET quantite = 9', 'UPDATE vente SET total = 0',
    'UPDATE ligne_vente SET quantite = 9',
    q{UPDATE demande_reapprovisionnement SET statut = 'approuvee'},
    q{UPDATE reception SET statut = 'annulee'},
    'UPDATE reception_ligne SET quantite = 9',
    q{UPDATE transfert SET statut = 'recu'},
    'UPDATE transfert_ligne SET en_transit = false',
    q{UPDATE comptage SET statut = 'clos'},
    'UPDATE comptage_ligne SET compte = 9',
    'UPDATE retour SET total = 0', 'UPDATE retour_ligne SET quantite = 1',
    q{SELECT retour_ecrire(v, ROW('{1}', '{1}')::quantites, '', true, '')
        FROM vente v LIMIT 1},
    'SELECT stock_reperer()', 'SELECT compte_retour_reconstruire()',
    q{SELECT stock_entrer(1, ROW('{1}', '{1}')::quantites)},
    q{SELECT stock_sortir(1, ROW('{1}', '{1}')::quantites)},
    q{UPDATE journal SET motif = ''}, 'UPDATE cumul_vente SET total = 0',
    'UPDATE fenetre SET bord = now()', 'SELECT FROM idempotence',
    'SELECT FROM stock_local FOR UPDATE', 'SELECT FROM fenetre FOR SHARE',
    q{SELECT setval('vente_id_seq', 1)}, q{SELECT nextval('vente_id_seq')},
    'SET session_replication_role = replica', 'SET ROLE magasin_owner',
    'CREATE TABLE t (i int)', 'CREATE TEMPORARY TABLE t (i int)',
    'CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1',
    'SELECT cumul_avancer()', 'SELECT cumul_reconstruire()',
    q{SELECT cumul_recompter('{1}', '{1}')}, 'SELECT fenetre_bord()',
    q{SELECT ventes_tenir('{1}')}, 'SELECT compte_reunir()',
    'SELECT compte_stock_reconstruire()', 'SELECT compte_vente_reconstruire()',
    'SELECT journal_reperer()', 'SELECT journal_partager()',
    q{SELECT journal_ajouter('1')}, 'SELECT journal_vie_commencer()',
    q{SELECT idempotence_ouvrir('a', 'b', 'c')},
    q{SELECT vente_refus(1, '{1}', '{1}')}, q{SELECT contexte('type', '')},
    q{SELECT lot_refus(1, '{1}', '{1}', '{1}', '{1}', '{9}')},
    q{SELECT lot_tenir('{1}', '{1}', '{1}', true, true, true)},
    q{SELECT contexte_poser('', '', '', '')},
    )
{
    my ($accepted, $output) = script($web, "$statement;\n");
    ok(!$accepted
            && $output =~ /permission denied|must be owner|non-DEFAULT/,
        "magasin_web: $statement: refused") or diag $output;
}
{
    # With the right words it is still not allowed.
    my ($accepted, $output) = script($web,
        "SET magasin.entretien = 'oui';\nDELETE FROM journal;\n");
    ok(!$accepted && $output =~ /permission denied/,
        'magasin_web: nor with magasin.entretien') or diag $output;
}


# What the catalogue has to say, so that a new function or trigger cannot be
# forgotten.
is(MagasinTest::sql(<<'SQL'), '', 'functions are not for everybody');
SELECT oid::regprocedure
  FROM pg_proc
 WHERE pronamespace = 'public'::regnamespace
   AND NOT EXISTS (SELECT FROM pg_depend
                    WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid
                      AND deptype = 'e')
   AND has_function_privilege('public', oid, 'EXECUTE')
SQL
is(MagasinTest::sql(<<'SQL'), '', 'whoever runs as the owner has his path');
SELECT oid::regprocedure
  FROM pg_proc
 WHERE pronamespace = 'public'::regnamespace AND prosecdef
   AND NOT coalesce('search_path=pg_catalog, public, pg_temp'
                    = ANY (proconfig), false)
SQL
is(MagasinTest::sql(<<'SQL'), '', 'triggers fire in a replica, but foreign keys');
SELECT tgrelid::regclass, tgname
  FROM pg_trigger
 WHERE NOT tgisinternal
   AND tgenabled <> CASE WHEN tgname LIKE 'reference%'
                          OR tgname IN ('reservation_garder',
                                        'reservation_vidage')
                         THEN 'O' ELSE 'A' END
   AND tgrelid IN (SELECT oid FROM pg_class
                    WHERE relnamespace = 'public'::regnamespace)
SQL
is(MagasinTest::sql(<<'SQL'), '', 'objects are the owner\'s');
SELECT c.oid::regclass
  FROM pg_class c
 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S', 'v')
   AND relowner <> 'magasin_owner'::regrole
   AND relname <> 'schema_migration'
SQL


# Many at once, on the same rows.
{
    MagasinTest::reset('UPDATE stock_local SET quantite = 1000');
    my @children;
    for my $n (1 .. 4) {
        my $pid = fork // die "fork: $!\n";
        if ($pid == 0) {
            my $conninfo = $n % 2 ? $web : $admin;
            my $text = join '', map {
                $n % 2
                    ? "SELECT FROM vente_creer(1, '{4,1,2}', '{1,2,1}',"
                      . " '{NULL,NULL,NULL}', 'n$n', NULL, NULL);\n"
                    : "UPDATE stock_local SET quantite = quantite + 1"
                      . " WHERE magasin_id = 1 AND produit_id = " . $_ % 5
                      . ";\n"
            } 1 .. 60;
            open my $psql, '|-', 'psql', qw(-X -q -o /dev/null -v
                ON_ERROR_STOP=1 -d), $conninfo or die "psql: $!\n";
            print {$psql} $text;
            close $psql;
            require POSIX;
            POSIX::_exit($? ? 1 : 0);
        }
        push @children, $pid;
    }
    for my $pid (@children) {
        waitpid $pid, 0;
        is($?, 0, 'one of several at once');
    }
    sound('several at once');
    is(MagasinTest::sql(q{SELECT count(*) FROM journal WHERE type = 'vente'}),
        360, 'all of their sales are there');
}


# Faults that triggers cannot let happen are found when they are planted.
sub planted {
    my ($name, $expected, @statements) = @_;
    my @kinds = qw(creation modification suppression);
    MagasinTest::reset(
        (map {"ALTER TABLE stock_local DISABLE TRIGGER journal_mouvement_$_"}
            @kinds),
        q{SET LOCAL magasin.entretien = 'oui'}, @statements,
        map {"ALTER TABLE stock_local ENABLE ALWAYS TRIGGER"
            . " journal_mouvement_$_"} @kinds);
    my ($status, $output) = check('ledger');
    is($status, 1, "$name: found");
    is($output, $expected, "$name: named");
    return;
}

planted('a movement that is not told',
    "magasin 1, produit 2: there are 36, and the journal adds up to 35\n",
    'UPDATE stock_local SET quantite = 36 WHERE id = 2');
planted('a row that is gone',
    "magasin 1, produit 2: there are 0, and the journal adds up to 35\n",
    'DELETE FROM stock_local WHERE id = 2');
planted('a row that came',
    "magasin 2, produit 2: there are 1, and the journal adds up to 0\n",
    'INSERT INTO stock_local (magasin_id, produit_id, quantite)'
    . ' VALUES (2, 2, 1)');
planted('a quantity that is not the running sum',
    "central stock, produit 7: journal row 27 says 181 after +180, and there"
    . " were 0 before\n",
    'UPDATE journal SET quantite = 181 WHERE produit_id = 7'
    . ' AND magasin_id IS NULL AND delta IS NOT NULL');

# Two faults that take each other off in the sum.
MagasinTest::reset('UPDATE stock_local SET quantite = quantite + 1'
        . ' WHERE id = 2', 'UPDATE stock_local SET quantite = quantite + 1'
        . ' WHERE id = 2', q{SET LOCAL magasin.entretien = 'oui'},
    'UPDATE journal SET delta = delta + CASE quantite WHEN 36 THEN 1'
        . ' ELSE -1 END WHERE quantite IN (36, 37) AND produit_id = 2'
        . ' AND magasin_id = 1');
{
    my ($status, $output) = check('ledger');
    is($status, 1, 'faults that take each other off: found');
    is(scalar(() = $output =~ /^magasin 1, produit 2: journal row/mg), 2,
        'faults that take each other off: both are named') or diag $output;
}

is((check('ledger', 'host=/nowhere'))[0], 2, 'no database is no answer');

MagasinTest::reset();
sound('at the end');

__DATA__

=== stock_local: INSERT
--- sql
INSERT INTO stock_local (magasin_id, produit_id, quantite)
VALUES (2, 2, 7), (2, 3, 0);
--- journal
manuel 2 2 +7 7
manuel 2 3 +0 0

=== stock_local: UPDATE, several rows and one that stays as it is
--- sql
UPDATE stock_local SET quantite = quantite - 5 WHERE id IN (1, 2);
UPDATE stock_local SET quantite = quantite + 1 WHERE id = 1;
UPDATE stock_local SET quantite = quantite WHERE id = 3;
--- journal
manuel 1 1 -5 15
manuel 1 2 -5 30
manuel 1 1 +1 16
manuel 1 3 +0 15

=== stock_local: DELETE, and the same place again
--- sql
DELETE FROM stock_local WHERE id = 1;
INSERT INTO stock_local (magasin_id, produit_id, quantite) VALUES (1, 1, 4);
--- journal
manuel 1 1 -20 0
manuel 1 1 +4 4

=== stock_local: a row that changes its store
--- sql
UPDATE stock_local SET magasin_id = 2 WHERE id = 2;
--- journal
manuel 1 2 -35 0
manuel 2 2 +35 35

=== stock_local: a row that changes its product and its quantity
--- sql
UPDATE stock_local SET produit_id = 1, quantite = 3 WHERE id = 21;
--- journal
manuel 3 2 -28 0
manuel 3 1 +3 3

=== stock_local: ON CONFLICT and MERGE
--- sql
INSERT INTO stock_local AS s (magasin_id, produit_id, quantite)
VALUES (1, 1, 4), (2, 15, 1)
ON CONFLICT (magasin_id, produit_id) DO UPDATE
   SET quantite = s.quantite + excluded.quantite;
INSERT INTO stock_local (magasin_id, produit_id, quantite) VALUES (1, 1, 4)
ON CONFLICT DO NOTHING;
MERGE INTO stock_local s
USING (VALUES (1, 1), (2, 14)) v (magasin_id, produit_id)
   ON s.magasin_id = v.magasin_id AND s.produit_id = v.produit_id
 WHEN MATCHED THEN DELETE
 WHEN NOT MATCHED THEN INSERT (magasin_id, produit_id, quantite)
                       VALUES (v.magasin_id, v.produit_id, 2);
--- journal
manuel 1 1 +4 24
manuel 2 15 +1 1
manuel 1 1 -24 0
manuel 2 14 +2 2

=== stock_local: COPY
--- sql
COPY stock_local (magasin_id, produit_id, quantite) FROM STDIN;
2	2	7
2	3	8
\.
--- journal
manuel 2 2 +7 7
manuel 2 3 +8 8

=== stock_local: TRUNCATE
--- sql
TRUNCATE stock_local;
--- sums: 35 -670 0

=== stock_local: as a replica
--- sql
SET LOCAL session_replication_role = replica;
UPDATE stock_local SET quantite = 3 WHERE id = 1;
DELETE FROM stock_local WHERE id = 2;
INSERT INTO stock_local (magasin_id, produit_id, quantite) VALUES (2, 2, 1);
--- journal
manuel 1 1 -17 3
manuel 1 2 -35 0
manuel 2 2 +1 1

=== both stocks: TRUNCATE as a replica
--- sql
SET LOCAL session_replication_role = replica;
TRUNCATE stock_local, stock_central;
--- sums: 50 -4350 0

=== stock_local: TRUNCATE with a snapshot that may be older than the rows
--- sql
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
TRUNCATE stock_local;
--- error
TRUNCATE of stock_local needs READ COMMITTED

=== what is rolled back is not there
--- sql
SAVEPOINT s;
UPDATE stock_local SET quantite = 3 WHERE id = 1;
ROLLBACK TO s;
UPDATE stock_local SET quantite = 21 WHERE id = 1;
--- journal
manuel 1 1 +1 21

=== a change that is refused is not there
--- sql
UPDATE stock_local SET quantite = quantite - 21 WHERE magasin_id = 1;
--- error
stock_local_quantite_positive

=== stock_central
--- sql
DELETE FROM stock_central WHERE produit_id IN (1, 2);
INSERT INTO stock_central (produit_id, quantite) VALUES (1, 9);
UPDATE stock_central SET quantite = quantite - 4 WHERE produit_id = 1;
UPDATE stock_central SET produit_id = 2 WHERE produit_id = 1;
--- journal
manuel - 1 -200 0
manuel - 2 -300 0
manuel - 1 +9 9
manuel - 1 -4 5
manuel - 1 -5 0
manuel - 2 +5 5

=== stock_central: COPY and TRUNCATE
--- sql
DELETE FROM stock_central;
COPY stock_central (produit_id, quantite) FROM STDIN;
2	7
3	8
\.
TRUNCATE stock_central;
--- sums: 19 -3680 15

=== who and why
--- sql
SET LOCAL magasin.acteur = 'inventaire de nuit';
SET LOCAL magasin.type = 'comptage';
SET LOCAL magasin.reference = 'feuille/3';
SET LOCAL magasin.motif = 'casse';
UPDATE stock_local SET quantite = 3 WHERE id = 1;
SET LOCAL magasin.acteur = '';
SET LOCAL magasin.type = '';
SET LOCAL magasin.reference = '';
SET LOCAL magasin.motif = '';
UPDATE stock_local SET quantite = 4 WHERE id = 1;
--- journal
comptage 1 1 -17 3 ref=feuille/3 par=inventaire de nuit motif=casse
manuel 1 1 +1 4

=== produit
--- sql
INSERT INTO produit (nom, categorie, prix) VALUES ('Neuf', 'x', 1);
UPDATE produit SET prix = 21.50 WHERE id = 3;
UPDATE produit SET nom = 'Tapis', description = NULL WHERE id = 3;
SET LOCAL timezone = 'America/Toronto';
UPDATE produit SET archive_le = '2026-01-02 03:04:05.000006-05' WHERE id = 3;
UPDATE produit SET archive_le = NULL WHERE id = 3;
DELETE FROM produit WHERE id = 16;
--- journal
produit_creation - 16 - - ref=produit/16
produit_modification - 3 - - ref=produit/3 {"prix": ["19.99", "21.50"]}
produit_modification - 3 - - ref=produit/3 {"nom": ["Tapis de souris XL", "Tapis"], "description": ["Surface antidérapante et étendue", null]}
produit_archivage - 3 - - ref=produit/3 {"archive_le": [null, "2026-01-02T08:04:05.000006+00:00"]}
produit_restauration - 3 - - ref=produit/3 {"archive_le": ["2026-01-02T08:04:05.000006+00:00", null]}
produit_suppression - 16 - - ref=produit/16

=== magasin, as a replica too
--- sql
COPY magasin (nom, adresse) FROM STDIN;
Six	rue
\.
UPDATE magasin SET ouvert = false WHERE id = 6;
SET LOCAL session_replication_role = replica;
UPDATE magasin SET nom = 'Sept' WHERE id = 6;
DELETE FROM magasin WHERE id = 6;
--- journal
magasin_creation 6 - - - ref=magasin/6
magasin_modification 6 - - - ref=magasin/6 {"ouvert": [true, false]}
magasin_modification 6 - - - ref=magasin/6 {"nom": ["Six", "Sept"]}
magasin_suppression 6 - - - ref=magasin/6

=== demande_reapprovisionnement
--- sql
INSERT INTO demande_reapprovisionnement (magasin_id, produit_id, quantite)
VALUES (1, 2, 3), (1, 3, 4);
UPDATE demande_reapprovisionnement SET quantite = 9 WHERE id = 1;
UPDATE demande_reapprovisionnement SET statut = 'approuvee' WHERE id = 1;
UPDATE demande_reapprovisionnement SET statut = 'refusee' WHERE id = 2;
DELETE FROM demande_reapprovisionnement WHERE id = 1;
TRUNCATE demande_reapprovisionnement;
--- journal
demande_creation 1 2 - - ref=demande/1
demande_creation 1 3 - - ref=demande/2
demande_modification 1 2 - - ref=demande/1 {"quantite": [3, 9]}
demande_approbation 1 2 - - ref=demande/1 {"statut": ["en_attente", "approuvee"]}
demande_refus 1 3 - - ref=demande/2 {"statut": ["en_attente", "refusee"]}
demande_suppression 1 2 - - ref=demande/1
demande_vidage - - - -

=== receipts and transfers, by hand
--- sql
INSERT INTO reception (magasin_id, fournisseur, reference)
VALUES (2, 'f', 'r'), (NULL, 'f', 'r');
INSERT INTO reception_ligne (reception_id, produit_id, quantite)
VALUES (1, 4, 3), (1, 5, 3), (2, 4, 1);
UPDATE reception_ligne SET quantite = 2 WHERE reception_id = 1;
UPDATE reception SET reference = 's' WHERE id = 2;
DELETE FROM reception_ligne WHERE reception_id = 2;
INSERT INTO transfert (magasin_id, vers_id) VALUES (1, NULL);
UPDATE transfert SET statut = 'annule', date_cloture = '2026-01-02 00:00:00Z';
DELETE FROM transfert;
--- journal
reception_creation 2 - - - ref=reception/1
reception_creation - - - - ref=reception/2
reception_modification - - - - ref=reception/1
reception_modification - - - - ref=reception/2
reception_modification - - - - ref=reception/1
reception_modification - - - - ref=reception/1
reception_modification - - - - ref=reception/2 {"reference": ["r", "s"]}
reception_modification - - - - ref=reception/2
transfert_creation 1 - - - ref=transfert/1
transfert_modification 1 - - - ref=transfert/1 {"statut": ["en_transit", "annule"], "date_cloture": [null, "2026-01-02T00:00:00+00:00"]}
transfert_suppression 1 - - - ref=transfert/1

=== vente
--- sql
INSERT INTO vente (magasin_id, total) VALUES (4, 1.50);
UPDATE vente SET total = 2, magasin_id = 5 WHERE id = 7;
DELETE FROM vente WHERE id = 7;
--- journal
vente_creation 4 - - - ref=vente/7
vente_modification 5 - - - ref=vente/7 {"total": ["1.50", "2.00"], "magasin_id": [4, 5]}
vente_suppression 5 - - - ref=vente/7

=== ligne_vente: once for each sale and product
--- sql
INSERT INTO ligne_vente (vente_id, produit_id, quantite, prix_unitaire)
VALUES (1, 7, 1, 1), (1, 7, 2, 2);
UPDATE ligne_vente SET produit_id = 9 WHERE id = 10;
UPDATE ligne_vente SET vente_id = 2, quantite = 5 WHERE id = 11;
DELETE FROM ligne_vente WHERE id IN (10, 11);
COPY ligne_vente (vente_id, produit_id, quantite, prix_unitaire) FROM STDIN;
4	3	1	1
\.
SET LOCAL session_replication_role = replica;
DELETE FROM ligne_vente WHERE id = 12;
--- journal
ligne_creation 1 7 - - ref=vente/1
ligne_modification 1 7 - - ref=vente/1
ligne_modification 1 9 - - ref=vente/1
ligne_modification 1 7 - - ref=vente/1
ligne_modification 1 7 - - ref=vente/2
ligne_suppression 1 7 - - ref=vente/2
ligne_suppression 1 9 - - ref=vente/1
ligne_creation 2 3 - - ref=vente/4
ligne_suppression 2 3 - - ref=vente/4

=== a return, by hand: no unit moves
--- sql
INSERT INTO retour (vente_id, magasin_id, remise_en_stock, total)
VALUES (1, 1, true, 16);
INSERT INTO retour_ligne (retour_id, ligne_id, produit_id, quantite,
                          prix_unitaire)
VALUES (1, 2, 4, 1, 15.99);
DELETE FROM retour_ligne;
DELETE FROM retour;
--- journal
retour_creation 1 - - - ref=retour/1 {"vente": 1}
retour_modification 1 - - - ref=retour/1 {"vente": 1}
retour_modification 1 - - - ref=retour/1 {"vente": 1}
retour_suppression 1 - - - ref=retour/1 {"vente": 1}

=== TRUNCATE of everything else
--- sql
TRUNCATE vente, ligne_vente CASCADE;
--- journal
vente_vidage - - - -
ligne_vidage - - - -
retour_vidage - - - -
retour_ligne_vidage - - - -

=== the journal: UPDATE
--- sql
UPDATE journal SET motif = 'autre' WHERE id = 1;
--- error
the journal is append-only

=== the journal: DELETE, by its owner
--- sql
SET LOCAL ROLE magasin_owner;
DELETE FROM journal;
--- error
the journal is append-only

=== the journal: DELETE of no row
--- sql
DELETE FROM journal WHERE false;
--- error
the journal is append-only

=== the journal: TRUNCATE, by its owner
--- sql
SET LOCAL ROLE magasin_owner;
TRUNCATE journal;
--- error
the journal is append-only

=== the journal: UPDATE as a replica
--- sql
SET LOCAL session_replication_role = replica;
UPDATE journal SET quantite = 0;
--- error
the journal is append-only

=== the journal: TRUNCATE as a replica
--- sql
SET LOCAL session_replication_role = replica;
TRUNCATE journal;
--- error
the journal is append-only

=== the journal: MERGE
--- sql
MERGE INTO journal j USING (VALUES (1)) v (id) ON j.id = v.id
 WHEN MATCHED THEN DELETE;
--- error
the journal is append-only

=== the journal: ids are its own
--- sql
INSERT INTO journal (id, type) VALUES (1, 'x');
--- error
cannot insert a non-DEFAULT value into column "id"

=== vente_creer()
--- role: web
--- sql
SELECT FROM vente_creer(1, '{4,1,4}', '{2,1,1}', '{NULL,80,NULL}', 'caisse',
                        NULL, NULL);
--- journal
vente_creation 1 - - - ref=vente/7 par=caisse
vente 1 1 -1 19 ref=vente/7 par=caisse
vente 1 4 -3 27 ref=vente/7 par=caisse

=== vente_creer(): without enough stock nothing is written
--- role: web
--- sql
SELECT FROM vente_creer(1, '{4,1}', '{2,21}', '{NULL,NULL}', 'caisse', NULL,
                        NULL);
SELECT FROM vente_creer(9, '{4}', '{2}', '{NULL}', 'caisse', NULL, NULL);
SELECT FROM vente_creer(1, '{99}', '{2}', '{NULL}', 'caisse', NULL, NULL);
--- journal

=== two writes in one transaction have nothing to do with each other
--- role: web
--- sql
SELECT FROM stock_ajuster(1, 1, -1, NULL, NULL, 'casse', NULL, 'un', NULL,
                          NULL);
SELECT FROM vente_creer(1, '{1}', '{2}', '{NULL}', 'deux', NULL, NULL);
SELECT FROM stock_ajuster(1, 1, 1, NULL, NULL, NULL, NULL, 'trois', NULL,
                          NULL);
SELECT FROM produit_creer('Neuf', 'x', 1, NULL, 'quatre', NULL, NULL);
--- journal
ajustement 1 1 -1 19 par=un motif=casse
vente_creation 1 - - - ref=vente/7 par=deux
vente 1 1 -2 17 ref=vente/7 par=deux
ajustement 1 1 +1 18 par=trois
produit_creation - 16 - - ref=produit/16 par=quatre

=== stock_ajuster(): a count, and a product that the store never had
--- role: web
--- sql
SELECT FROM stock_ajuster(1, 1, NULL, 12, 20, NULL, NULL, 'a', NULL, NULL);
SELECT FROM stock_ajuster(1, 1, NULL, 12, 20, NULL, NULL, 'a', NULL, NULL);
SELECT FROM stock_ajuster(2, 2, 5, NULL, NULL, NULL, NULL, 'a', NULL, NULL);
SELECT FROM stock_ajuster(2, 3, NULL, 0, 0, NULL, NULL, 'a', NULL, NULL);
SELECT FROM stock_ajuster(2, 3, NULL, 4, 0, NULL, '0', 'a', NULL, NULL);
--- journal
ajustement 1 1 -8 12 par=a
ajustement 2 2 +5 5 par=a

=== stock_ajuster(): what is refused leaves no row behind
--- role: web
--- sql
SELECT FROM stock_ajuster(2, 3, 5, NULL, NULL, NULL, '7', 'a', NULL, NULL);
SELECT FROM stock_ajuster(2, 3, -1, NULL, NULL, NULL, NULL, 'a', NULL, NULL);
SELECT FROM stock_ajuster(2, 3, NULL, 4, 1, NULL, NULL, 'a', NULL, NULL);
SELECT FROM stock_ajuster(2, 3, -2147483648, NULL, NULL, NULL, NULL, 'a',
                          NULL, NULL);
--- journal

=== vente_creer(): a total that is too large
--- role: web
--- sql
SELECT FROM stock_ajuster(1, 1, 1000000, NULL, NULL, NULL, NULL, 'a', NULL,
                          NULL);
SELECT FROM vente_creer(1, '{1,1}', '{10001,1}', '{99999999.99,NULL}', 'a',
                        NULL, NULL);
--- journal
ajustement 1 1 +1000000 1000020 par=a

=== what stays as it is
--- sql
UPDATE produit SET nom = nom, prix = 19.9900 WHERE id = 3;
UPDATE magasin SET ouvert = true;
UPDATE vente SET total = total;
--- journal

=== demandes
--- role: web
--- sql
SELECT FROM demande_creer(2, 1, 150, 'a', NULL, NULL);
SELECT FROM demande_creer(2, 1, 150, 'a', NULL, NULL);
SELECT FROM demande_creer(2, 1, 5, 'a', NULL, NULL);
SELECT FROM demande_decider(1, true, 'b', NULL, NULL);
SELECT FROM demande_decider(2, true, 'b', NULL, NULL);
SELECT FROM demande_decider(3, false, 'b', NULL, NULL);
SELECT FROM demande_decider(3, true, 'b', NULL, NULL);
--- journal
demande_creation 2 1 - - ref=demande/1 par=a
demande_creation 2 1 - - ref=demande/2 par=a
demande_creation 2 1 - - ref=demande/3 par=a
demande_approbation 2 1 - - ref=demande/1 par=b {"statut": ["en_attente", "approuvee"], "decideur": [null, "b"]}
reapprovisionnement - 1 -150 50 ref=demande/1 par=b
reapprovisionnement 2 1 +150 150 ref=demande/1 par=b
demande_refus 2 1 - - ref=demande/2 par=b {"statut": ["en_attente", "refusee"], "decideur": [null, "b"]}
demande_refus 2 1 - - ref=demande/3 par=b {"statut": ["en_attente", "refusee"], "decideur": [null, "b"]}

=== produit_supprimer(): one that was sold, and one that was not
--- role: web
--- sql
SELECT FROM produit_supprimer(15, NULL, 'a');
--- journal
suppression 1 15 -9 0 par=a
suppression 5 15 -6 0 par=a
suppression - 15 -100 0 par=a
produit_suppression - 15 - - ref=produit/15 par=a

=== vente_creer(): what no request can ask for ends, too
--- role: web
--- sql
SELECT FROM vente_creer(1, '{}', '{}', '{}', 'caisse', NULL, NULL);
--- error
can neither be nor be refused
