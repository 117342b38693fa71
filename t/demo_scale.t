#!/usr/bin/perl

# scripts/demo_scale.sh: a retailer of exactly the size asked for, of which
# everything that is derived holds; and what it must not replace.

use strict;
use warnings;
use utf8;

use Cwd qw(abs_path);
use Digest::MD5 qw(md5_hex);
use File::Basename qw(dirname);
use Test::More;

my $admin = $ENV{TEST_NGINX_ADMIN_DATABASE}
    or plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)';

my $top      = abs_path(dirname(__FILE__) . '/..');
my $database = "demo_scale_$$";

# The same server, another database.
sub conninfo {
    my ($name) = @_;
    return $admin =~ s/dbname=\S+/dbname=$name/r;
}

# run(COMMAND...): exit status and everything printed
sub run {
    my (@command) = @_;
    my $pid = open(my $pipe, '-|') // die "fork: $!";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        exec @command or exit 127;
    }
    binmode $pipe, ':encoding(UTF-8)';
    my $output = do { local $/; <$pipe> } // '';
    close $pipe;
    return ($? >> 8, $output);
}

sub psql {
    my ($name, @arguments) = @_;
    my ($status, $output) = run(
        'psql', qw(-X -q -A -t -v ON_ERROR_STOP=1 -d), conninfo($name),
        @arguments);
    die "psql: $output" if $status;
    chomp $output;
    return $output;
}

# sql(STATEMENT...): the rows as text; dies when refused
sub sql { return psql($database, map { ('-c', $_) } @_) }

# demo_scale(NAME => VALUE, ...): exit status and everything printed
sub demo_scale {
    my %environment = @_;
    local @ENV{qw(LINES STORES PRODUCTS SEED)};
    delete @ENV{qw(LINES STORES PRODUCTS SEED)};
    local @ENV{ keys %environment } = values %environment;
    return run("$top/scripts/demo_scale.sh", conninfo($database));
}

END {
    if ($admin) {
        my $status = $?;
        run('psql', qw(-X -q -d), conninfo('postgres'),
            '-c', "DROP DATABASE IF EXISTS $database");
        $? = $status;
    }
}

# What the load takes away for a while.
sub machinery {
    return sql(
        q{SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger
           WHERE NOT tgisinternal ORDER BY 1, 2},
        q{SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
           ORDER BY 1});
}

sub counts {
    return sql('SELECT (SELECT count(*) FROM magasin),
                       (SELECT count(*) FROM produit),
                       (SELECT count(*) FROM vente),
                       (SELECT count(*) FROM ligne_vente)');
}

# One number for each thing that must not be: all 0.
sub faults {
    return sql(
        'SELECT count(*) FROM cumul_ecarts()',
        # hours and days, nearly all of which are there
        'SELECT count(*) FROM vente_periode_ecarts()',
        "SELECT count(*) FROM vente_periode
          WHERE bord < now() - interval '1 hour'",
        # each place and product: the sum of delta is the quantity
        'SELECT count(*)
           FROM (SELECT magasin_id, produit_id, sum(quantite) AS n
                   FROM (SELECT magasin_id, produit_id, quantite
                           FROM stock_local
                          UNION ALL
                         SELECT NULL, produit_id, quantite
                           FROM stock_central
                          UNION ALL
                         SELECT magasin_id, produit_id, -delta
                           FROM journal WHERE delta IS NOT NULL) x
                  GROUP BY 1, 2) y
          WHERE n <> 0',
        # foreign keys are not looked at while it loads
        'SELECT count(*) FROM vente v
          WHERE NOT EXISTS (SELECT FROM magasin WHERE id = v.magasin_id)',
        'SELECT count(*) FROM ligne_vente l
          WHERE NOT EXISTS (SELECT FROM vente WHERE id = l.vente_id)
             OR NOT EXISTS (SELECT FROM produit WHERE id = l.produit_id)',
        'SELECT count(*) FROM (SELECT magasin_id, produit_id FROM stock_local
                                UNION ALL
                               SELECT magasin_id, produit_id
                                 FROM demande_reapprovisionnement) d
          WHERE NOT EXISTS (SELECT FROM magasin WHERE id = d.magasin_id)
             OR NOT EXISTS (SELECT FROM produit WHERE id = d.produit_id)',
        # sales that are not the sum of their one to eight lines
        'SELECT count(*)
           FROM vente v
           LEFT JOIN (SELECT vente_id, count(*) AS lignes,
                             count(DISTINCT produit_id) AS produits,
                             sum(quantite * prix_unitaire) AS total
                        FROM ligne_vente GROUP BY 1) l ON l.vente_id = v.id
          WHERE (l.total = v.total AND l.produits = l.lignes
                 AND l.lignes BETWEEN 1 AND 8) IS NOT TRUE',
        # in the order of their time, within three years, up to now
        "SELECT count(*)
           FROM (SELECT date_vente, lag(date_vente) OVER (ORDER BY id) AS avant
                   FROM vente) v
          WHERE date_vente < avant OR date_vente > now()
             OR date_vente < now() - interval '1097 days'",
    );
}

my $all_well = join "\n", (0) x 9;

psql('postgres', '-c', "CREATE DATABASE $database");
my ($status, $output) = run("$top/scripts/migrate.sh", conninfo($database));
is($status, 0, 'the schema is applied') or diag($output);
my $machinery = machinery();


subtest 'an empty database is filled' => sub {
    my ($status, $output)
        = demo_scale(LINES => 20_000, STORES => 8, PRODUCTS => 300);
    is($status, 0, 'exit status') or diag($output);
    like($output, qr/^demo-scale: 100 %  20,000 lines/m, 'progress is told');
    unlike($output, qr/\r/, 'by lines, where there is no terminal');
    like($output, qr/8 stores, 300 products, \d+ sales with 20000 lines/,
         'and what there is');

    like(counts(), qr/\A8\|300\|\d{4}\|20000\z/, 'exactly so many');
    is(faults(), $all_well, 'everything derived holds');
    is(machinery(), $machinery, 'triggers and indexes are as they were');

    is(sql('SELECT count(*) FROM stock_local'), 2400,
       'every store has a stock row of every product');
    is(sql('SELECT count(*), min(quantite) > 0 FROM cumul_vente'), '2400|t',
       'and has sold it');
    is(sql('SELECT count(*) FROM stock_central'), 300, 'central stock');
    is(sql(q{SELECT count(*) FROM journal WHERE type <> 'ouverture'}), 0,
       'the journal has the opening and nothing else');
    is(sql('SELECT count(*) FILTER (WHERE quantite = 0) > 50,
                   count(*) FILTER (WHERE quantite > 10) > 500
              FROM stock_local'), 't|t', 'ruptures and surplus');
    is(sql('SELECT count(DISTINCT statut) FROM demande_reapprovisionnement'),
       3, 'requests of each status');
    is(sql("SELECT count(*) > 10 FROM vente
             WHERE date_vente > now() - interval '7 days'"), 't',
       'sales of the last days');
    is(sql('SELECT count(DISTINCT nom) FROM produit'), 300,
       'names of products are different');
};

subtest 'what comes then goes on from there' => sub {
    my ($sales) = counts() =~ /\|(\d+)\|20000\z/;
    my $stock = 'SELECT quantite FROM stock_local
                  WHERE magasin_id = 3 AND produit_id = 5';
    sql('UPDATE stock_local SET quantite = 9
          WHERE magasin_id = 3 AND produit_id = 5');
    my $id = $sales + 1;
    is(sql(q{SELECT statut, emplacement
               FROM vente_creer(3, '{5}', '{2}', '{NULL}', 'demo', NULL,
                                NULL)}),
       "201|/api/v1/sales/$id/", 'a sale');
    is(sql($stock), 7, 'takes its units');
    is(faults(), $all_well, 'everything derived still holds');
    is(sql(q{INSERT INTO magasin (nom, adresse) VALUES ('n', 'a')
             RETURNING id}), 9, 'the next store comes after those there are');
};

subtest 'another one takes its place' => sub {
    my ($status, $output) = demo_scale(
        LINES => 1000, STORES => 10, PRODUCTS => 100, SEED => 2);
    is($status, 0, 'exit status') or diag($output);
    like(counts(), qr/\A10\|100\|\d{3,4}\|1000\z/, 'exactly so many');
    is(sql('SELECT count(*), min(quantite) > 0 FROM cumul_vente'), '1000|t',
       'each pair was sold with just as many lines as pairs');
    is(faults(), $all_well, 'everything derived holds');
    is(machinery(), $machinery, 'triggers and indexes are as they were');
};

# content(): what a refusal must leave alone
sub content {
    return sql('SELECT * FROM magasin ORDER BY id',
               'SELECT * FROM vente ORDER BY id',
               'SELECT count(*), max(id) FROM journal');
}

subtest 'all of it, or nothing' => sub {
    my $before = content();
    my $to = conninfo($database);
    # The writer ends in the middle of its lines.
    my ($status, $output) = run('bash', '-c',
        "'$top/scripts/demo_scale.py' 1000 10 100 3 2>/dev/null"
        . q{ | head -n -100 | psql -X -q -d "$1" -v lignes=1000 -f "$0"},
        "$top/sql/demo_scale.sql", $to);
    isnt($status, 0, 'fewer lines than there should be: refused');
    like($output, qr/not all of the sale lines have arrived/, 'and told');
    is(content(), $before, 'nothing is changed');
    is(machinery(), $machinery, 'triggers and indexes neither');
};

subtest 'what no demonstration has made is left alone' => sub {
    sql('DELETE FROM ligne_vente', 'DELETE FROM vente',
        'INSERT INTO vente (magasin_id, total) VALUES (1, 0)');
    my $before = content();
    my ($status, $output) = demo_scale(LINES => 1000);
    is($status, 1, 'exit status');
    is($output, 'demo-scale: refused: 10 stores and 100 products are there'
        . " that no demonstration made; nothing was changed.\n", 'why');
    is(content(), $before, 'nothing is changed');
};

subtest 'the small demonstration is replaced' => sub {
    sql('TRUNCATE magasin, produit, stock_local, stock_central, vente,
             ligne_vente, demande_reapprovisionnement CASCADE');
    psql($database, qw(--single-transaction -o /dev/null -f),
         "$top/sql/demo.sql");
    my ($status, $output)
        = demo_scale(LINES => 1000, STORES => 2, PRODUCTS => 10);
    is($status, 0, 'exit status') or diag($output);
    like(counts(), qr/\A2\|10\|\d{3}\|1000\z/, 'by what was asked for');
    is(faults(), $all_well, 'everything derived holds');
};

subtest 'the same seed makes the same' => sub {
    my ($once, $again, $other) = map {
        my ($status, $output)
            = run("$top/scripts/demo_scale.py", 5000, 5, 50, $_, 1_780_000_000);
        utf8::encode($output);
        $status ? "failed: $output" : md5_hex($output);
    } 1, 1, 2;
    is($again, $once, 'the same rows');
    isnt($other, $once, 'another seed, others');
};

for my $case (
    [ 'LINES', undef, 'say how many sale lines, as in: make demo-scale' ],
    [ 'LINES', 999, 'LINES=999 is not a number from 1000 to 50000000.' ],
    [ 'LINES', 50_000_001, 'LINES=50000001 is not a number from' ],
    [ 'LINES', '1e6', 'LINES=1e6 is not a number from' ],
    [ 'STORES', 0, 'STORES=0 is not a number from 1 to 1000.' ],
    [ 'PRODUCTS', 9, 'PRODUCTS=9 is not a number from 10 to 100000.' ],
    [ 'SEED', -1, 'SEED=-1 is not a number from 0 to 2147483647.' ],
    [ 'PRODUCTS', 100_000, 'STORES times PRODUCTS is more than 10000000.',
      STORES => 101 ],
) {
    my ($name, $value, $sentence, @more) = @$case;
    my ($status, $output)
        = demo_scale(LINES => 1000, @more, $name => $value // '');
    is($status, 1, "$name=" . ($value // '') . ' is refused');
    like($output, qr/\Ademo-scale: \Q$sentence\E/, 'in one sentence');
}

done_testing();
