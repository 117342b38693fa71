# The counts of lists and of /metrics (compte_stock, compte_vente): whatever
# happens to the stock and to the sales, and whoever does it, they are what
# there is.  And the ways of the stock list, which they select, agree.

use strict;
use warnings;

use lib 't/inc';
use Test::Base 'no_plan';
use File::Temp qw(tempfile);
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep);
use MagasinTest;

# A block starts from the fixture and runs `--- sql` in one transaction, or is
# refused in the words of `--- error`.  After it all counts are compared.  Where
# `--- rows` is given, so many rows were added to compte_stock.

if (!$ENV{TEST_NGINX_ADMIN_DATABASE}) {
    plan(skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)');
}

my $admin = MagasinTest::admin();

# psql(TEXT): whether psql accepts it, and what it prints
sub psql {
    my ($text, @options) = @_;
    my ($file, $name) = tempfile(UNLINK => 1);
    print {$file} "\\set VERBOSITY terse\n", $text;
    close $file;
    my $output = `PGOPTIONS='-c client_min_messages=warning' psql -X -q -A -t -v ON_ERROR_STOP=1 @options -d '$admin' -f '$name' 2>&1`;
    chomp $output;
    return ($? == 0, $output);
}

sub file { return do { local (@ARGV, $/) = ($_[0]); scalar <> } }

sub rows { return MagasinTest::sql('SELECT count(*) FROM compte_stock') }

sub sound {
    my ($name) = @_;
    is(MagasinTest::sql('SELECT * FROM compte_ecarts()')
        . MagasinTest::sql('SELECT * FROM compte_retour_ecarts()'), '',
        "$name: the counts are right");
    return;
}

# check(): exit status and what scripts/check.sh prints
sub check {
    my ($what) = @_;
    local $ENV{DATABASE} = $admin;
    my $output = `'$MagasinTest::Top/scripts/check.sh' '$what' 2>/dev/null`;
    return ($? >> 8, $output);
}

MagasinTest::reset();
sound('the fixture');

run {
    my ($block) = @_;
    my $name = $block->name;

    MagasinTest::reset();
    my $before = rows();
    my ($accepted, $output) = psql($block->sql, '-1');
    if (defined $block->error) {
        ok(!$accepted, "$name: refused");
        chomp(my $error = $block->error);
        like($output, qr/\Q$error\E/, "$name: why");
    } else {
        ok($accepted, "$name: accepted") or diag $output;
    }
    sound($name);
    is(rows() - $before, $block->rows + 0, "$name: rows that were added")
        if defined $block->rows;

    MagasinTest::sql('SELECT entretien()');
    sound("$name, put together");
};


# Two sessions.  The first is held open until the other one is done: neither
# waits for the other because of a count.

my $sale = 'UPDATE stock_local SET quantite = %d WHERE magasin_id = 1'
    . ' AND produit_id = %d';
for my $end (qw(COMMIT ROLLBACK)) {
    MagasinTest::reset();
    my $held = MagasinTest::hold(sprintf($sale, 0, 1),
        'DELETE FROM stock_local WHERE magasin_id = 1 AND produit_id = 2');
    my ($accepted, $output) = psql("SET lock_timeout = '2s';\n"
        . sprintf($sale, 0, 3) . ";\n"
        . "SELECT entretien();\n"
        . "INSERT INTO produit (nom, categorie, prix) VALUES ('x', 'x', 1);\n"
        . "INSERT INTO stock_local (magasin_id, produit_id, quantite)"
        . " VALUES (1, currval('produit_id_seq'), 4);\n");
    ok($accepted, "$end: another crossing of the store does not wait")
        or diag $output;
    sound("$end: the first is open");
    MagasinTest::release($held, $end);
    sound("$end: the first is done");
}

# The rows are put together while others add some.
{
    MagasinTest::reset(map {
        ("UPDATE stock_local SET quantite = 0 WHERE magasin_id = 1"
            . " AND produit_id = $_") } 1 .. 12);
    ok(rows() > 15, 'many rows');
    my $held = MagasinTest::hold('SELECT compte_reunir()');
    my ($accepted, $output) = psql("SET lock_timeout = '2s';\n"
        . sprintf($sale, 0, 13) . ";\n");
    ok($accepted, 'a crossing does not wait for that') or diag $output;
    MagasinTest::release($held, 'COMMIT');
    sound('a crossing while rows are put together');
    is(MagasinTest::sql('SELECT count(*) FROM compte_stock'
                . ' WHERE magasin_id = 1'), 2, 'the sum and the crossing');
}

# Crossings from several sessions in two stores, in both orders.
{
    MagasinTest::reset();
    my @children = map {
        my $n = $_;
        my $text = join '', map {
            my $store = 1 + ($n + $_) % 2;
            my $quantity = ($_ * 7 + $n * 5) % 14;
            "BEGIN; UPDATE stock_local SET quantite = $quantity WHERE"
                . " magasin_id = $store AND produit_id = " . (3 * $n + $_ % 3)
                . "; UPDATE stock_local SET quantite = 13 - $quantity WHERE"
                . " magasin_id = 3 - $store AND produit_id = "
                . (3 * $n + $_ % 3) . "; COMMIT;\n"
        } 1 .. 40;
        my ($file, $name) = tempfile(UNLINK => 1);
        print {$file} $text;
        close $file;
        my $pid = fork // die "fork: $!\n";
        if ($pid == 0) {
            { no warnings 'exec';
              exec qw(psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -d), $admin,
                  '-f', $name }
            require POSIX;
            POSIX::_exit(127);
        }
        $pid;
    } 1 .. 3;
    my (%status, $rounds);
    while (++$rounds <= 10 || keys %status < @children) {
        MagasinTest::sql('SELECT entretien()');
        is(MagasinTest::sql('SELECT * FROM compte_ecarts()'), '',
            'counts while rows cross');
        for my $pid (grep { !defined $status{$_} } @children) {
            $status{$pid} = $? if waitpid($pid, WNOHANG) == $pid;
        }
    }
    is($status{$_}, 0, 'rows cross') for @children;
    sound('rows have crossed');
}


# A database whose tables are published, as for an upgrade with few minutes of
# downtime: PostgreSQL refuses to change a row that it cannot name there.
{
    MagasinTest::reset(map {
        ("UPDATE stock_local SET quantite = 0 WHERE magasin_id = 1"
            . " AND produit_id = $_") } 1 .. 12);
    is(MagasinTest::sql(q{SELECT c.oid::regclass FROM pg_class c
            JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE c.relkind = 'r' AND n.nspname = 'public'
             AND c.relreplident <> 'f'
             AND NOT EXISTS (SELECT FROM pg_index
                              WHERE indrelid = c.oid AND indisprimary)}),
        'entretien_tour', 'a row of every table has a name, but of the empty');
    my ($accepted, $output) = psql(<<'SQL');
SET client_min_messages = error;
BEGIN;
CREATE PUBLICATION tout FOR ALL TABLES;
SELECT FROM vente_creer(1, '{13}', '{1}', '{NULL}', 'x', NULL, NULL);
SELECT FROM entretien();
SELECT count(*) FROM compte_stock WHERE magasin_id = 1;
SELECT * FROM compte_ecarts();
SELECT compte_stock_reconstruire(), compte_vente_reconstruire(),
       cumul_reconstruire() \g /dev/null
UPDATE journal_repere SET instant = instant;
DELETE FROM journal_repere;
UPDATE fenetre SET bord = bord;
ROLLBACK;
SQL
    ok($accepted, 'published: nothing is refused');
    is($output, 1, 'published: the rows are put together');
}


# Lies: a trigger that is off, and a rebuild.
{
    my %plant = (
        compte_modification => ['stock_local',
            'UPDATE stock_local SET quantite = 0 WHERE id = 1',
            qr/\Amagasin 1: ruptures is 0, and there are 1\nmagasin 1: sur/],
        compte_ajout => ['ligne_vente',
            'INSERT INTO ligne_vente (vente_id, produit_id, quantite,'
            . ' prix_unitaire) VALUES (1, 1, 3, 2.50)',
            qr/\Asales: total is [\d.]+, and .*\nsales: unites is .*\n\z/],
        compte_ajout_retour => ['retour_ligne',
            "SELECT FROM retour_creer(1, ARRAY[4], ARRAY[2], '', true, NULL,"
            . " 'x', NULL, NULL)",
            qr/\Areturns: total is 0, and there are 31\.98\nreturns: unites is 0, and there are 2\n/],
        compte_retrait => ['stock_local',
            'DELETE FROM stock_local WHERE id = 1',
            qr/^magasin 1: lignes is 15, and there are 14$/m],
    );
    for my $trigger (sort keys %plant) {
        my ($table, $sql, $found) = @{$plant{$trigger}};
        MagasinTest::reset();
        is_deeply([check('counters')],
            [0, "counters: the counts and the rows agree.\n"],
            "$trigger: nothing to find") if $trigger eq 'compte_ajout';
        my $off = $trigger =~ s/_retour//r;
        MagasinTest::sql("BEGIN; ALTER TABLE $table DISABLE TRIGGER $off;"
            . " $sql; ALTER TABLE $table ENABLE ALWAYS TRIGGER $off;"
            . ' COMMIT');
        my ($status, $output) = check('counters');
        is($status, 1, "$trigger is off: found");
        like($output, $found, "$trigger is off: what is wrong");
        is((check('rebuild-counters'))[0], 0, "$trigger: rebuilt");
        sound("$trigger: rebuilt");
    }
}


# What is held: the counter of a row, and the lines of reservations.
{
    my $reserve = 'SELECT reservation_creer(1, ARRAY[4, 9], ARRAY[2, 3], 900,'
        . " 'r', 'moi')";
    my %plant = (
        'a counter' => ['UPDATE stock_local SET retenu = 5 WHERE id = 4',
            qr/\Amagasin 1: retenu of produit 4 is 5, and there are 2\n\z/],
        'a line' => ["UPDATE reservation_ligne SET etat = 'rendu'"
            . ' WHERE produit_id = 9',
            qr/\Amagasin 1: retenu of produit 9 is 3, and there are 0\n\z/],
        'a row' => ['DELETE FROM stock_local WHERE id = 4',
            qr/^magasin 1: retenu of produit 4 is 0, and there are 2$/m],
    );
    for my $name (sort keys %plant) {
        my ($sql, $found) = @{$plant{$name}};
        MagasinTest::reset($reserve);
        is((check('counters'))[0], 0, "$name: nothing to find");
        MagasinTest::sql($sql);
        my ($status, $output) = check('counters');
        is($status, 1, "$name: found");
        like($output, $found, "$name: what is wrong");
        is((check('rebuild-counters'))[0], 0, "$name: rebuilt");
        is((check('counters'))[0], $name eq 'a row' ? 1 : 0,
            "$name: all is well, where there is a row to count in");
    }
}


# The ways of the stock list.  A store of any number of rows, in a catalogue of
# 4,000 names of which some are the same: each page is what sorting all of it
# says.
{
    MagasinTest::reset(
        q{INSERT INTO produit (nom, categorie, prix) SELECT
           'Nom ' || (i * 7919) % 3001 || CASE WHEN i % 50 = 0 THEN 'é' ELSE ''
           END, 'x', 1 FROM generate_series(1, 3985) i},
        'DELETE FROM stock_local',
        # 20 rows; just so many as a short read sorts, and one more; all
        # names; just so many as it counts
        map { "INSERT INTO stock_local (magasin_id, produit_id, quantite)"
            . " SELECT $$_[0], id, id % 7 FROM (SELECT id FROM produit"
            . " ORDER BY md5(id::text) LIMIT $$_[1]) p" }
            [1, 20], [2, 600], [3, 601], [4, 4000], [5, 1000]);
    MagasinTest::sql('ANALYZE produit, stock_local');

    my $type = '(bigint, text, int, text, text, bigint, text';
    my $prepare = "PREPARE brute$type) AS " . file('t/raw/stock_list.sql')
        . ";\n" . join '', map {
            "PREPARE $_$type, boolean) AS " . file("sql/statements/$_.sql")
            . ";\n" } qw(stock_list stock_list_name);

    my %way = (1 => '', 2 => '', 3 => '', 4 => '');
    my (@calls, $text);
    for my $store (1 .. 4) {
        for my $order ("'produit__nom', NULL", "'-produit__nom', NULL",
            "'produit__nom', 'quantite'", "'-produit__nom', '-quantite'",
            "'quantite', NULL", "'-quantite', 'produit__nom'")
        {
            for my $filter ('NULL, NULL, NULL', "'nom 1', NULL, NULL",
                'NULL, 3, NULL', "NULL, NULL, 'E NOM 2'")
            {
                my ($name, $quantity, $words) = split /, /, $filter;
                for my $page (1, 2, 40, 51, 0) {
                    my $values = "$store, $name, $quantity, $order, $page,"
                        . " $words";
                    my $statement = $filter eq 'NULL, NULL, NULL'
                        && $order =~ /^'-?produit/
                        ? 'stock_list_name' : 'stock_list';
                    push @calls, [$store, $values];
                    $text .= "\\echo =raw\nEXECUTE brute($values);\n"
                        . "\\echo =short\nEXECUTE $statement($values, false);\n"
                        . "\\echo =long\nEXECUTE $statement($values, true);\n";
                }
            }
        }
    }
    my ($accepted, $output) = psql($prepare . $text);
    ok($accepted, 'the stock lists are made') or diag $output;
    my @answers = split /^=raw\n/m, $output;
    shift @answers;
    my (@wrong, %long);
    for my $n (0 .. $#calls) {
        my ($store, $values) = @{$calls[$n]};
        my ($raw, $short, $long)
            = map { s/\n+\z//r } split /^=(?:short|long)\n/m, $answers[$n], -1;
        push @wrong, "$values: $long" if $long ne $raw;
        if ($short =~ /\A\d+\|{3}/) {
            $long{$store}++;
        } elsif ($short ne $raw) {
            push @wrong, "short, $values: $short";
        }
    }
    is(scalar @calls, 480, 'so many pages');
    is(join("\n", @wrong), '', 'each way says what sorting everything says');
    is_deeply([sort keys %long], [2, 3, 4], 'a small store has no long way');

    # What a short statement takes, and what it does not.
    for my $case ([2, "'quantite', NULL, 1, NULL", 0],
        [4, "'quantite', NULL, 1, NULL", 1],
        [5, "'quantite', NULL, 1, NULL", 0],
        [0, 'INSERT INTO stock_local (magasin_id, produit_id, quantite)'
            . ' SELECT 5, id, 1 FROM produit WHERE NOT EXISTS (SELECT FROM'
            . ' stock_local WHERE magasin_id = 5 AND produit_id = produit.id)'
            . ' LIMIT 1'],
        [5, "'quantite', NULL, 1, NULL", 1],
        [2, "'produit__nom', NULL, 51, NULL", 0],
        [3, "'produit__nom', NULL, 51, NULL", 1],
        [3, "'produit__nom', NULL, 1, NULL", 0],
        [3, "'-produit__nom', NULL, 0, NULL", 0],
        [4, "'produit__nom', NULL, 40, NULL", 0],
        [4, "'produit__nom', NULL, 51, NULL", 1])
    {
        my ($store, $rest, $long) = @$case;
        if (!$store) {
            MagasinTest::sql($rest);
            next;
        }
        my $statement = $rest =~ /nom/ ? 'stock_list_name' : 'stock_list';
        my (undef, $said) = psql($prepare
            . "EXECUTE $statement($store, NULL, NULL, $rest, false);\n");
        is($said =~ /\A\d+\|{3}/ ? 1 : 0, $long,
            "store $store, $rest: " . ($long ? 'long' : 'short'))
            or diag $said;
    }
}

__DATA__

=== sales that cross nothing
--- sql
UPDATE stock_local SET quantite = 50 WHERE id = 1;
UPDATE stock_local SET quantite = 11 WHERE id = 1;
UPDATE stock_local SET quantite = 5 WHERE id = 2;
UPDATE stock_local SET quantite = 10 WHERE id = 2;
UPDATE stock_local SET quantite = 1 WHERE id = 2;
--- rows: 1

=== crossings of 10 and of 0, and back
--- sql
UPDATE stock_local SET quantite = 10 WHERE id = 1;
UPDATE stock_local SET quantite = 0 WHERE id = 1;
UPDATE stock_local SET quantite = 11 WHERE id = 1;
UPDATE stock_local SET quantite = 0 WHERE id = 1;
--- rows: 4

=== one row for each store of a statement
--- sql
UPDATE stock_local SET quantite = 0;
--- rows: 5

=== one up, one down
--- sql
UPDATE stock_local SET quantite = 0 WHERE id IN (1, 2);
UPDATE stock_local SET quantite = 50 * (id - 1) WHERE id IN (1, 2);
UPDATE stock_local SET quantite = 50 * (2 - id) WHERE id IN (1, 2);
--- rows: 2

=== rows go
--- sql
DELETE FROM stock_local WHERE magasin_id = 2;
DELETE FROM stock_local WHERE produit_id = 3;

=== rows come, by COPY
--- sql
DELETE FROM stock_local WHERE magasin_id IN (2, 3);
COPY stock_local (magasin_id, produit_id, quantite) FROM STDIN;
2	1	0
2	2	10
3	1	11
\.

=== rows come or change
--- sql
DELETE FROM stock_local WHERE id = 1;
INSERT INTO stock_local AS s (magasin_id, produit_id, quantite)
VALUES (1, 1, 0), (1, 2, 0)
ON CONFLICT (magasin_id, produit_id) DO UPDATE SET quantite = 0;

=== a merge
--- sql
MERGE INTO stock_local s
USING (SELECT 1 AS magasin_id, id FROM produit) p
   ON s.magasin_id = p.magasin_id AND s.produit_id = p.id
 WHEN MATCHED AND p.id < 4 THEN DELETE
 WHEN MATCHED THEN UPDATE SET quantite = 0;

=== rows change their store, and more
--- sql
DELETE FROM stock_local WHERE magasin_id = 2;
UPDATE stock_local SET magasin_id = 2, quantite = 0 WHERE magasin_id = 1
   AND produit_id < 4;
UPDATE stock_local SET magasin_id = 2 WHERE magasin_id = 1 AND produit_id > 6;
UPDATE stock_local SET quantite = CASE WHEN id % 2 = 0 THEN 0 ELSE 99 END,
                       magasin_id = magasin_id;

=== rows change their store for each other's
--- sql
DELETE FROM stock_local WHERE magasin_id = 2 AND produit_id = 1
    OR magasin_id = 1 AND produit_id = 2;
UPDATE stock_local SET quantite = 20 * (produit_id - 1)
 WHERE (magasin_id, produit_id) IN ((1, 1), (2, 2));
UPDATE stock_local SET magasin_id = 3 - magasin_id
 WHERE (magasin_id, produit_id) IN ((1, 1), (2, 2));

=== rows change their store, all well in stock
--- sql
DELETE FROM stock_local WHERE magasin_id = 2 AND produit_id = 1;
UPDATE stock_local SET quantite = 50 WHERE id = 1;
UPDATE stock_local SET magasin_id = 2 WHERE id = 1;

=== rows take the id of their neighbour
--- sql
UPDATE stock_local SET quantite = 0 WHERE id = 2;
UPDATE stock_local SET quantite = 50 WHERE id = 3;
DELETE FROM stock_local WHERE id = 1;
UPDATE stock_local SET id = id - 1, quantite = 5 WHERE id IN (2, 3);

=== rows of several stores that cross nothing
--- sql
UPDATE stock_local SET quantite = 0;
UPDATE stock_local SET quantite = 50;
UPDATE stock_local SET quantite = 49;
UPDATE stock_local SET quantite = 8;
UPDATE stock_local SET quantite = 7;
--- rows: 15

=== rows change their id
--- sql
UPDATE stock_local SET id = id + 1000, quantite = 0 WHERE magasin_id = 1;
UPDATE stock_local SET produit_id = 16 - produit_id, quantite = 12
 WHERE magasin_id = 3 AND produit_id = 8;

=== in a replica session
--- sql
SET LOCAL session_replication_role = replica;
UPDATE stock_local SET quantite = 0 WHERE id IN (1, 20, 40);
DELETE FROM stock_local WHERE id = 2;
INSERT INTO ligne_vente (vente_id, produit_id, quantite, prix_unitaire)
VALUES (1, 1, 5, 1.99);

=== everything goes
--- sql
TRUNCATE stock_local;

=== everything goes and something comes
--- sql
TRUNCATE stock_local, vente, ligne_vente CASCADE;
INSERT INTO stock_local (magasin_id, produit_id, quantite) VALUES (5, 1, 3);
INSERT INTO vente (magasin_id, total) VALUES (5, 3);
INSERT INTO ligne_vente (vente_id, produit_id, quantite, prix_unitaire)
SELECT id, 1, 3, 0.99 FROM vente;

=== lines of sales
--- sql
INSERT INTO ligne_vente (vente_id, produit_id, quantite, prix_unitaire)
VALUES (1, 1, 5, 1.99), (1, 2, 7, 0);
UPDATE ligne_vente SET quantite = quantite + 1, prix_unitaire = 0.01
 WHERE vente_id = 1;
DELETE FROM ligne_vente WHERE id = 5;
UPDATE ligne_vente SET quantite = 1 WHERE false;

=== sales of the API
--- sql
SELECT FROM vente_creer(1, '{1,2}', '{3,1}', '{NULL,NULL}', 'x', NULL, NULL);
SELECT FROM stock_ajuster(1, 1, NULL, 0, NULL, '', NULL, 'x', NULL, NULL);
SELECT FROM stock_ajuster(1, 2, 40, NULL, NULL, '', NULL, 'x', NULL, NULL);

=== what is taken back
--- sql
SAVEPOINT s;
UPDATE stock_local SET quantite = 0;
DELETE FROM ligne_vente;
ROLLBACK TO s;
--- rows: 0

=== returns, of which some are deleted
--- sql
SELECT FROM retour_creer(1, '{1,4}', '{3,1}', '', true, NULL, 'x', NULL, NULL);
SELECT FROM retour_creer(3, '{2}', '{30}', '', false, NULL, 'x', NULL, NULL);
SELECT FROM retour_creer(3, '{2}', '{5}', '', false, NULL, 'x', NULL, NULL);
DELETE FROM retour_ligne WHERE quantite = 30;
DELETE FROM retour WHERE id NOT IN (SELECT retour_id FROM retour_ligne);

=== the lines of returns go at once, or all of them
--- sql
SELECT FROM retour_creer(1, '{1,4}', '{3,1}', '', true, NULL, 'x', NULL, NULL);
TRUNCATE retour_ligne;
SELECT FROM retour_creer(3, '{2}', '{5}', '', false, NULL, 'x', NULL, NULL);

=== returns go with their sales
--- sql
SELECT FROM retour_creer(1, '{1,4}', '{3,1}', '', true, NULL, 'x', NULL, NULL);
TRUNCATE vente, ligne_vente CASCADE;
