# The marks of the journal (journal_repere): a list that begins at an instant
# begins at a mark, and leaves out nothing.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use File::Temp qw(tempfile);
use MagasinTest;

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

my $admin = MagasinTest::admin();

sub psql {
    my ($text) = @_;
    my ($file, $name) = tempfile(UNLINK => 1);
    print {$file} $text;
    close $file;
    my $output = `psql -X -q -A -t -v ON_ERROR_STOP=1 -d '$admin' -f '$name' 2>&1`;
    chomp $output;
    die "psql: $output\n" if $?;
    return $output;
}

sub file { return do { local (@ARGV, $/) = ($_[0]); scalar <> } }

sub marks { return MagasinTest::sql('SELECT count(*) FROM journal_repere') }

# Rows as a maintainer makes them: their instants go back and forth, and some
# transactions are much longer than the others.
my @rows = (
    "SET LOCAL magasin.entretien = 'oui'", 'TRUNCATE journal',
    q{INSERT INTO journal (xid, instant, type, magasin_id, produit_id, delta,
                           quantite)
      SELECT (10 + n / 16)::text::xid8,
             timestamptz '2026-01-01 00:00:00+00' + n * interval '1 second'
             + CASE WHEN n % 997 = 0 THEN interval '600 seconds'
                    WHEN n % 7 = 0 THEN - interval '90 seconds'
                    ELSE interval '0' END,
             CASE WHEN n % 3 = 0 THEN 'vente_creation' WHEN n % 100 = 1
             THEN 'ajustement' ELSE 'vente' END,
             1 + n % 5, 1 + n % 15, 1, 1
        FROM generate_series(1, 5300) n});

my @statements = qw(journal journal_store journal_product journal_type
    journal_recent journal_recent_store journal_recent_product
    journal_recent_type);
my $prepare = join '', map {
    "PREPARE $_ (bigint, bigint, text, timestamptz, text, int, xid8, bigint,"
        . " xid8, bigint) AS " . file("sql/statements/$_.sql") . ";\n"
} @statements;

# Each list from each of some instants, from the statement and by reading all
# rows.  Returns the lists that differ.
sub differences {
    my (@cases, $text);
    my ($before, $first) = split /\|/, MagasinTest::sql(
        "SELECT max(id) FILTER (WHERE xid = '199'),"
            . " min(id) FILTER (WHERE xid = '200') FROM journal");
    for my $statement (@statements) {
        my $recent = $statement =~ /recent/;
        my $order = $recent ? '-id' : 'id';
        my ($store, $product, $type) = ('NULL') x 3;
        $store   = 2          if $statement =~ /store/;
        $product = 3          if $statement =~ /product/;
        $type    = "'ajustement'" if $statement =~ /type/;
        for my $from ('2025-12-31 00:00', '2026-01-01 00:16:35',
            '2026-01-01 00:20:00', '2026-01-01 00:50:01',
            '2026-01-01 01:20:00', '2026-01-01 01:38:00', '2026-02-01 00:00')
        {
            for my $after ('', '200') {
                my $key = !$after ? 'NULL, NULL'
                    : $recent ? "'200', $first" : "'199', $before";
                my $beyond = !$after ? 'true'
                    : $recent ? "xid < '$after'" : "xid >= '$after'";
                my $sign = $recent ? ' DESC' : '';
                push @cases, "$statement from $from after '$after'";
                $text .= "\\echo =\nSELECT id FROM journal"
                    . " WHERE instant >= '$from' AND $beyond"
                    . ($recent ? ''
                        : ' AND xid < pg_snapshot_xmin(pg_current_snapshot())')
                    . ($store eq 'NULL' ? '' : " AND magasin_id = $store")
                    . ($product eq 'NULL' ? '' : " AND produit_id = $product")
                    . ($type eq 'NULL' ? '' : " AND type = $type")
                    . " ORDER BY xid$sign, id$sign LIMIT 40;\n\\echo -\n"
                    . "EXECUTE $statement ($store, $product, $type, '$from',"
                    . " '$order', 40, $key, NULL, NULL)\n\\g | cut -d '|' -f 2\n";
            }
        }
    }
    my @answers = split /^=\n/m, psql($prepare . $text);
    shift @answers;
    return grep { defined } map {
        my ($raw, $made) = map { s/\n+\z//r } split /^-\n/m, "$answers[$_]\n", -1;
        $raw eq ($made // '') ? undef : "$cases[$_]: $raw / $made"
    } 0 .. $#cases;
}

MagasinTest::reset(@rows);
is(marks(), 0, 'no marks');
is(join("\n", differences()), '', 'the lists without marks');

MagasinTest::sql('SELECT entretien()');
is(marks(), 5, 'a mark for each thousand rows');
is(join("\n", differences()), '', 'the lists with marks');
is(MagasinTest::sql('SELECT string_agg((NOT EXISTS (SELECT FROM journal j'
            . ' WHERE (j.xid, j.id) <= (r.xid, r.id)'
            . " AND j.instant > r.instant))::text, ' ' ORDER BY xid)"
            . ' FROM journal_repere r'), 'true true true true true',
    'no row up to a mark is newer');

# The next call goes on; what is not yet certain is left.
MagasinTest::sql(
    'INSERT INTO journal (magasin_id) SELECT 1 FROM generate_series(1, 900)');
{
    my $held = MagasinTest::hold(
        "INSERT INTO journal (magasin_id, instant) VALUES (1, '2026-01-01')");
    MagasinTest::sql('INSERT INTO journal (magasin_id)'
        . ' SELECT 1 FROM generate_series(1, 3000)');
    MagasinTest::sql('SELECT entretien()');
    is(marks(), 6, 'none behind a transaction that still runs');
    MagasinTest::release($held, 'COMMIT');
}
MagasinTest::sql('SELECT entretien()');
is(marks(), 9, 'and then they are made');
is(join("\n", differences()), '', 'the lists with new marks');

# A planted bug: a mark that promises too much.
MagasinTest::sql("UPDATE journal_repere SET instant = instant"
    . " - interval '10 minutes' WHERE instant < '2026-02-01'");
isnt(join("\n", differences()), '', 'a mark that is wrong is found');

# What a maintainer changes is forgotten.
MagasinTest::reset(@rows);
MagasinTest::sql('SELECT entretien()');
MagasinTest::sql("SET magasin.entretien = 'oui'; UPDATE journal"
    . " SET instant = '2026-01-20' WHERE id = (SELECT min(id) FROM journal)");
is(marks(), 0, 'instants that were changed');
MagasinTest::sql('SELECT entretien()');
is(marks(), 5, 'are read again');
is(join("\n", differences()), '', 'the lists after that');

MagasinTest::reset();
done_testing();
