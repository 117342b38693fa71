#!/usr/bin/perl

# scripts/import_django.sh: what it takes, what it merges, and that whatever
# it refuses leaves the target as it was.

use strict;
use warnings;
use utf8;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;

binmode $_, ':encoding(UTF-8)'
    for Test::More->builder->output, Test::More->builder->failure_output;

my $admin = $ENV{TEST_NGINX_ADMIN_DATABASE}
    or plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)';

my $scripts = abs_path(dirname(__FILE__) . '/../scripts');
my ($source, $target) = map { "import_django_${_}_$$" } qw(source target);

# The same server, another database.
sub conninfo {
    my ($database) = @_;
    (my $conninfo = $admin) =~ s/dbname=\S+/dbname=$database/;
    return $conninfo;
}

# run(COMMAND...): exit status and everything printed
sub run {
    my (@command) = @_;
    my $pid = open my $pipe, '-|' // die "fork: $!";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        exec @command or exit 127;
    }
    binmode $pipe, ':encoding(UTF-8)';
    my $output = do { local $/; <$pipe> } // '';
    close $pipe;
    return ($? >> 8, $output);
}

# sql(DATABASE, STATEMENT...): the rows as text; dies when refused
sub sql {
    my ($database, @statements) = @_;
    my ($status, $output) = run(
        'psql', qw(-X -q -A -t -v ON_ERROR_STOP=1 -d), conninfo($database),
        map { utf8::encode(my $bytes = $_); ('-c', $bytes) } @statements);
    die "psql: $output" if $status;
    chomp $output;
    return $output;
}

sub import_django {
    my ($from) = @_;
    return run("$scripts/import_django.sh", conninfo($from // $source),
               conninfo($target));
}

END {
    if ($admin) {
        my $status = $?;
        run('psql', qw(-X -q -d), conninfo('postgres'),
            map { ('-c', "DROP DATABASE IF EXISTS $_") } $source, $target);
        $? = $status;
    }
}

# The tables as the reference's Django makes them, with two stores, three
# products and a little of everything else.  No foreign keys and no checks: a
# dump that went through other hands may have lost them, and the refusals
# below need rows that they would not let in.
my @django = (
    'CREATE TABLE magasin_magasin (id bigint, nom text, adresse text)',
    'CREATE TABLE magasin_produit (id bigint, nom text, categorie text,
        prix numeric, quantite_stock bigint, description text)',
    'CREATE TABLE magasin_stocklocal (id bigint, quantite bigint,
        magasin_id bigint, produit_id bigint)',
    'CREATE TABLE magasin_stockcentral (id bigint, quantite bigint,
        produit_id bigint)',
    'CREATE TABLE magasin_vente (id bigint, date_vente timestamptz,
        total numeric, magasin_id bigint)',
    'CREATE TABLE magasin_lignevente (id bigint, quantite bigint,
        prix_unitaire numeric, produit_id bigint, vente_id bigint)',
    'CREATE TABLE magasin_demandereapprovisionnement (id bigint,
        quantite bigint, date timestamptz, statut text, magasin_id bigint,
        produit_id bigint)',

    q{INSERT INTO magasin_magasin VALUES
        (3, 'Épicerie', '1 rue Haute'), (7, 'Zone Est', E'2\ttab\\\\nue')},
    q{INSERT INTO magasin_produit VALUES
        (2, 'Thé', 'Boissons', 12.90, 5, NULL),
        (4, 'Café', 'Boissons', 0, 0, ''),
        (9, 'Câble', 'Accessoire', 99999999.99, 1, E'deux\nlignes')},

    # Longer than what the API takes.
    q{UPDATE magasin_produit SET description = description || repeat('é', 9990)
        WHERE id = 9},
    q{INSERT INTO magasin_stocklocal VALUES
        (1, 5, 3, 2), (2, 0, 3, 4), (5, 8, 7, 2)},
    q{INSERT INTO magasin_stockcentral VALUES (1, 40, 2), (2, 0, 9)},
    q{INSERT INTO magasin_vente VALUES
        (11, '2025-06-01 10:00:00.123456+00', 25.80, 3),
        (12, '2025-06-02 10:00:00-04', 0, 7)},
    q{INSERT INTO magasin_lignevente VALUES (21, 2, 12.90, 2, 11)},
    q{INSERT INTO magasin_demandereapprovisionnement VALUES
        (31, 5, '2025-06-01+00', 'en_attente', 3, 2),
        (32, 6, '2025-06-02+00', 'approuvée', 3, 4),
        (33, 7, '2025-06-03+00', 'refusée', 7, 2)},
);

my @tables = qw(magasin produit stock_local stock_central vente ligne_vente
    demande_reapprovisionnement);

# Everything there is, as one text.
sub content {
    return sql($target,
               (map { "SELECT '$_', t FROM $_ AS t ORDER BY id" } @tables),
               'SELECT c FROM cumul_vente AS c ORDER BY c',
               'SELECT bord FROM fenetre', 'SELECT count(*) FROM journal');
}

# The journal adds up to the stock, and the sums of the sales to the sales.
sub sound {
    local $ENV{DATABASE} = conninfo($target);
    for my $what ('ledger', 'rollups') {
        my ($status, $output) = run("$scripts/check.sh", $what);
        is($status, 0, "$what: right") or diag($output);
    }
    return;
}

sql('postgres', "CREATE DATABASE $source", "CREATE DATABASE $target");
sql($source, @django);
my ($status, $output) = run("$scripts/migrate.sh", conninfo($target));
is($status, 0, 'the schema is applied') or diag($output);
($status, $output) = run("$scripts/migrate.sh", conninfo($target));
is("$status $output", '0 ', 'and applied again it does nothing');

sql($target,
    q{INSERT INTO magasin (id, nom, adresse) VALUES (99, 'Ancien', 'x')},
    q{INSERT INTO produit (id, nom, categorie, prix)
      VALUES (98, 'Ancien', 'x', 1)},
    q{INSERT INTO stock_local (magasin_id, produit_id, quantite)
      VALUES (99, 98, 6)},
    q{INSERT INTO vente (id, magasin_id, total) VALUES (97, 99, 1)},
    q{INSERT INTO ligne_vente (vente_id, produit_id, quantite, prix_unitaire)
      VALUES (97, 98, 1, 1)},
    q{UPDATE fenetre SET bord = bord - interval '3 days'});


subtest 'everything is taken over, and what was there is gone' => sub {
    my ($status, $output) = import_django();
    is($status, 0, 'exit status') or diag($output);
    like($output, qr/^\s*stock_local\s*\|\s*3\s*\|\s*3\s*\|\s*0\s*$/m,
         'the summary counts');
    unlike($output, qr/^merged:/m, 'nothing was merged');

    is(sql($target, 'SELECT id, nom, adresse FROM magasin ORDER BY id'),
       "3|Épicerie|1 rue Haute\n7|Zone Est|2\ttab\\nue", 'stores');
    is(sql($target, q{SELECT id, prix, quantite_stock,
                             coalesce(to_json(description)::text, 'null')
                        FROM produit ORDER BY id}),
       "2|12.90|5|null\n4|0.00|0|\"\"\n9|99999999.99|1|\"deux\\nlignes"
       . 'é' x 9990 . '"',
       'products, with a NULL, an empty and a long description');
    is(sql($target, 'SELECT id, magasin_id, produit_id, quantite
                       FROM stock_local ORDER BY id'),
       "1|3|2|5\n2|3|4|0\n5|7|2|8", 'local stock');
    is(sql($target, 'SELECT id, produit_id, quantite
                       FROM stock_central ORDER BY id'),
       "1|2|40\n2|9|0", 'central stock');
    is(sql($target, q{SELECT id, magasin_id, total,
                             date_vente AT TIME ZONE 'UTC'
                        FROM vente ORDER BY id}),
       "11|3|25.80|2025-06-01 10:00:00.123456\n"
       . '12|7|0.00|2025-06-02 14:00:00', 'sales, to the microsecond');
    is(sql($target, 'SELECT id, vente_id, produit_id, quantite, prix_unitaire
                       FROM ligne_vente'), '21|11|2|2|12.90', 'lines');
    is(sql($target, 'SELECT id, statut FROM demande_reapprovisionnement
                      ORDER BY id'),
       "31|en_attente\n32|approuvee\n33|refusee", 'requests');

    is(sql($target, 'SELECT * FROM cumul_vente'), '3|2|2|25.80|0|21',
       'the sums of the sales');
    is(sql($target, q{SELECT bord > now() - interval '168 hours 1 minute'
                        FROM fenetre}), 't', 'the week ends now');
    is(sql($target, q{SELECT type, magasin_id, produit_id, delta, quantite,
                             reference, motif
                        FROM journal
                       WHERE magasin_id = 99 OR produit_id = 98
                       ORDER BY id}),
       "magasin_creation|99||||magasin/99|\n"
       . "produit_creation||98|||produit/98|\n"
       . "manuel|99|98|6|6||\n"
       . "vente_creation|99||||vente/97|\n"
       . "ligne_creation|99|98|||vente/97|\n"
       . "ligne_suppression|99|98|||vente/97|import-django\n"
       . "vente_suppression|99||||vente/97|import-django\n"
       . "manuel|99|98|-6|0||import-django\n"
       . "produit_suppression||98|||produit/98|import-django\n"
       . 'magasin_suppression|99||||magasin/99|import-django',
       'what was there stays in the journal');
    is(sql($target, q{SELECT magasin_id, produit_id, delta, quantite
                        FROM journal
                       WHERE delta > 0 AND motif = 'import-django'
                       ORDER BY id}),
       "3|2|5|5\n7|2|8|8\n|2|40|40", 'and what came is there too');
    is(sql($target, q{SELECT tgname FROM pg_trigger
                       WHERE NOT tgisinternal
                         AND tgenabled <> CASE WHEN tgname LIKE 'reference%'
                                                OR tgname LIKE 'reservation%'
                                          THEN 'O' ELSE 'A' END}), '',
       'the triggers are as they were');
    sound();

    is(sql($target, q{INSERT INTO magasin (nom, adresse) VALUES ('n', 'a')
                      RETURNING id}), 8, 'the next store comes after them');
    is(sql($target, q{INSERT INTO vente (magasin_id, total) VALUES (3, 0)
                      RETURNING id}), 13, 'and so does the next sale');
};


subtest 'duplicates are added up' => sub {
    sql($source, 'INSERT INTO magasin_stocklocal VALUES
                      (9, 4, 3, 2), (0, 1, 7, 2), (10, 100, 3, 2)',
        'INSERT INTO magasin_stockcentral VALUES (8, 2, 2)');
    my ($status, $output) = import_django();
    is($status, 0, 'exit status') or diag($output);
    is(sql($target, 'SELECT id, magasin_id, produit_id, quantite
                       FROM stock_local ORDER BY id'),
       "0|7|2|9\n1|3|2|109\n2|3|4|0", 'under the lowest id');
    is(sql($target, 'SELECT id, produit_id, quantite
                       FROM stock_central ORDER BY id'),
       "1|2|42\n2|9|0", 'in central stock too');
    like($output, qr/^\s*stock_local\s*\|\s*6\s*\|\s*3\s*\|\s*3\s*$/m,
         'the summary counts them');
    like($output,
         qr/^merged: 3 rows for magasin 3, produit 2 are now id 1 with 109$/m,
         'and they are named');
    like($output,
         qr/^merged: 2 central rows for produit 2 are now id 1 with 42$/m,
         'one by one');
    sound();
    sql($source, 'DELETE FROM magasin_stocklocal WHERE id IN (0, 9, 10)',
        'DELETE FROM magasin_stockcentral WHERE id = 8');
};


# Each fault is made in the source, refused, and taken back.
my $before = content();
my $long = 'é' x 101;
my @refusals = (
    ['a store without a name',
     q{UPDATE magasin_magasin SET nom = NULL WHERE id = 7},
     'magasin_magasin, id 7: nom is missing'],
    ['a blank name',
     q{UPDATE magasin_magasin SET nom = E' \t' WHERE id = 7},
     'magasin_magasin, id 7: nom is blank'],
    ['a blank address',
     q{UPDATE magasin_magasin SET adresse = '' WHERE id = 3},
     'magasin_magasin, id 3: adresse is blank'],
    ['a name too long',
     qq{UPDATE magasin_produit SET nom = '$long' WHERE id = 4},
     'magasin_produit, id 4: nom has 101 characters where 100 are allowed'],
    ['a category too long',
     qq{UPDATE magasin_produit SET categorie = '$long' WHERE id = 4},
     'magasin_produit, id 4: categorie has 101 characters where 100'],
    ['a negative price',
     q{UPDATE magasin_produit SET prix = -0.01 WHERE id = 9},
     'magasin_produit, id 9: prix is negative (-0.01)'],
    ['a price that is no number',
     q{UPDATE magasin_produit SET prix = 'NaN' WHERE id = 9},
     'magasin_produit, id 9: prix is not a number (NaN)'],
    ['an infinite price',
     q{UPDATE magasin_produit SET prix = 'Infinity' WHERE id = 9},
     'magasin_produit, id 9: prix is Infinity, which is too large'],
    ['a price too large',
     q{UPDATE magasin_produit SET prix = 100000000 WHERE id = 9},
     'magasin_produit, id 9: prix is 100000000, which is too large'],
    ['a price with a third decimal',
     q{UPDATE magasin_produit SET prix = 1.005 WHERE id = 9},
     'magasin_produit, id 9: prix is 1.005, which is not in whole cents'],
    ['a negative stock of a product',
     q{UPDATE magasin_produit SET quantite_stock = -1 WHERE id = 2},
     'magasin_produit, id 2: quantite_stock is -1 where 0 is the least'],
    ['a negative local stock',
     q{UPDATE magasin_stocklocal SET quantite = -3 WHERE id = 2},
     'magasin_stocklocal, id 2: quantite is -3 where 0 is the least'],
    ['a stock over what an integer holds',
     q{UPDATE magasin_stocklocal SET quantite = 2147483648 WHERE id = 2},
     'magasin_stocklocal, id 2: quantite is 2147483648, which is too large'],
    ['duplicates over what an integer holds',
     q{INSERT INTO magasin_stocklocal VALUES (6, 2147483647, 3, 2)},
     'magasin_stocklocal, id 1: quantite adds up to 2147483652'],
    ['stock of a store that is not there',
     q{UPDATE magasin_stocklocal SET magasin_id = 4 WHERE id = 2},
     'magasin_stocklocal, id 2: magasin_id is 4, but there is no'
     . ' magasin_magasin with this id'],
    ['stock of a product that is not there',
     q{UPDATE magasin_stocklocal SET produit_id = 5 WHERE id = 2},
     'magasin_stocklocal, id 2: produit_id is 5, but there is no'],
    ['a negative central stock',
     q{UPDATE magasin_stockcentral SET quantite = -1 WHERE id = 2},
     'magasin_stockcentral, id 2: quantite is -1 where 0 is the least'],
    ['central stock of nothing',
     q{UPDATE magasin_stockcentral SET produit_id = NULL WHERE id = 2},
     'magasin_stockcentral, id 2: produit_id is missing'],
    ['a sale without a store',
     q{UPDATE magasin_vente SET magasin_id = 1 WHERE id = 12},
     'magasin_vente, id 12: magasin_id is 1, but there is no'],
    ['a negative total',
     q{UPDATE magasin_vente SET total = -1 WHERE id = 12},
     'magasin_vente, id 12: total is negative (-1)'],
    ['a sale at no time',
     q{UPDATE magasin_vente SET date_vente = 'infinity' WHERE id = 12},
     'magasin_vente, id 12: date_vente is outside the years 1 to 9999'],
    ['a line of no sale',
     q{UPDATE magasin_lignevente SET vente_id = 1},
     'magasin_lignevente, id 21: vente_id is 1, but there is no'],
    ['a line of no product',
     q{UPDATE magasin_lignevente SET produit_id = 1},
     'magasin_lignevente, id 21: produit_id is 1, but there is no'],
    ['a line of nothing',
     q{UPDATE magasin_lignevente SET quantite = 0},
     'magasin_lignevente, id 21: quantite is 0 where 1 is the least'],
    ['a line at no price',
     q{UPDATE magasin_lignevente SET prix_unitaire = 'NaN'},
     'magasin_lignevente, id 21: prix_unitaire is not a number (NaN)'],
    ['a request for nothing',
     q{UPDATE magasin_demandereapprovisionnement SET quantite = 0
        WHERE id = 32},
     'magasin_demandereapprovisionnement, id 32: quantite is 0 where 1'],
    ['an unknown status',
     q{UPDATE magasin_demandereapprovisionnement SET statut = 'perdue'
        WHERE id = 33},
     q{magasin_demandereapprovisionnement, id 33: statut is 'perdue'}],
    ['an id twice',
     q{INSERT INTO magasin_produit VALUES (4, 'Bis', 'Boissons', 1, 1, '')},
     'magasin_produit, id 4: the id appears more than once'],
    ['no id at all',
     q{INSERT INTO magasin_magasin VALUES (NULL, 'Sans', 'numéro')},
     'magasin_magasin, id none: the id is missing'],
    ['a table that is not there',
     'ALTER TABLE magasin_lignevente RENAME TO autre',
     'the source has no table magasin_lignevente'],
    ['a column that is not there',
     'ALTER TABLE magasin_vente RENAME COLUMN total TO somme',
     'the source has no column magasin_vente.total'],
    ['a column of another type',
     'ALTER TABLE magasin_vente ALTER COLUMN total TYPE double precision',
     'the column magasin_vente.total of the source is of type double'],
);

for my $case (@refusals) {
    my ($name, $fault, $sentence) = @$case;

    sql($source, $fault);
    my ($status, $output) = import_django();
    is($status, 1, "$name: refused");
    like($output,
         qr/\Aimport-django: refused: \Q$sentence\E.*; nothing was changed\.\n/,
         "$name: in one sentence that says which and why");
    is(content(), $before, "$name: nothing is changed");
    sql($source, 'DROP SCHEMA public CASCADE', 'CREATE SCHEMA public', @django);
}


subtest 'several faults' => sub {
    sql($source, 'UPDATE magasin_stocklocal SET quantite = -1 WHERE id <= 2',
        'UPDATE magasin_lignevente SET quantite = 0');
    my ($status, $output) = import_django();
    is($status, 1, 'exit status');
    like($output, qr/magasin_stocklocal, id 1: .*\(faulty rows besides: 2\)/,
         'the first is told, the others are counted');
};

subtest 'a source that cannot be reached' => sub {
    my ($status, $output) = import_django("import_django_nowhere_$$");
    is($status, 1, 'exit status');
    like($output, qr/\Aimport-django: refused: .*does not exist; nothing/,
         'why');
    is(content(), $before, 'nothing is changed');
};

subtest 'a name that needs quoting elsewhere' => sub {
    sql($source, 'DROP SCHEMA public CASCADE', 'CREATE SCHEMA public', @django,
        q{UPDATE magasin_magasin SET nom = E'a\\\\b\'c"d\u00e9\u1F600'});
    my ($status, $output) = import_django();
    is($status, 0, 'exit status') or diag($output);
    is(sql($target, 'SELECT DISTINCT nom FROM magasin'),
       qq{a\\b'c"d\x{e9}\x{1F60}0}, 'arrives as it was');
};

done_testing();
