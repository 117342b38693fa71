# lot_ecrire(): a batch of writes in one call gives what the functions for one
# write give, one after another in the same order: the same answers, stock,
# journal, sums of the sales and kept keys.

use strict;
use warnings;

use lib 't/inc';
use Test::Base 'no_plan';
use MagasinTest qw(script quoted);

if (!$ENV{TEST_NGINX_ADMIN_DATABASE}) {
    plan(skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)');
}

sub list {
    my ($type, @values) = @_;
    return 'ARRAY[' . join(',', map { quoted($_) } @values) . "]::${type}[]";
}

# A request is a hash: kind, actor, key, print (of the body), store, if,
# expected, motif, lines => [[product, quantity, count, price], ...], and of a
# price: product, name, category, price, description, archive.

# batch(WAIT, REQUEST...): the call of lot_ecrire
sub batch {
    my ($wait, @requests) = @_;
    my (@of, @lines);
    for my $n (1 .. @requests) {
        for my $line (@{ $requests[$n - 1]{lines} }) {
            push @of,    $n;
            push @lines, $line;
        }
    }
    my $column = sub {
        my ($type, $name) = @_;
        return list($type, map { $_->{$name} } @requests);
    };
    my $of_lines = sub {
        my ($type, $i) = @_;
        return list($type, map { $_->[$i] } @lines);
    };
    return 'lot_ecrire(' . join(', ', $column->('text', 'kind'),
        $column->('text', 'actor'), $column->('text', 'key'),
        $column->('text', 'print'), $column->('bigint', 'store'),
        $column->('text', 'if'), $column->('integer', 'expected'),
        $column->('text', 'motif'), list('integer', @of),
        $of_lines->('bigint', 0), $of_lines->('integer', 1),
        $of_lines->('integer', 2), $of_lines->('numeric', 3),
        $column->('text', 'name'), $column->('text', 'category'),
        $column->('text', 'description'), $column->('boolean', 'archive'),
        $wait ? 'true' : 'false') . ')';
}

my $columns = 'ROW(n, manque, statut, emplacement, etag, detail, corps, id,'
    . ' nom, categorie, prix, description, concorde, renomme)';

# The statement for one change of a product, as a query with one row.
my $patch = do {
    local (@ARGV, $/) = "$MagasinTest::Top/t/product_patch.sql";
    <>;
};
$patch =~ s/^--.*\n//mg;
$patch =~ s/\n\)\nSELECT/\n), r (id, nom, categorie, prix, description, concorde, xid, renomme) AS (\nSELECT/
    or die "product_patch.sql has changed\n";

# one(REQUEST): the call of the function for one write
sub one {
    my ($r) = @_;
    my $key = join ', ', map { quoted($r->{$_}, '::text') }
        qw(actor key print);
    if ($r->{kind} eq 'vente') {
        my @lines = @{ $r->{lines} };
        return "vente_creer($r->{store}, "
            . join(', ', list('bigint', map { $_->[0] } @lines),
                list('integer', map { $_->[1] } @lines),
                list('numeric', map { $_->[3] } @lines), $key) . ')';
    }
    my ($product, $delta, $count) = @{ $r->{lines}[0] };
    return "stock_ajuster($r->{store}, $product, "
        . join(', ', (map { quoted($_, '::integer') } $delta, $count,
                $r->{expected}), quoted($r->{motif}, '::text'),
            quoted($r->{if}, '::text'), $key) . ')';
}

# single(N, REQUEST): the query for it, whose row is as that of the batch
sub single {
    my ($n, $r) = @_;
    if ($r->{kind} ne 'prix') {
        return "SELECT ROW($n, false, statut, emplacement, etag, detail,"
            . ' corps, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::text FROM '
            . one($r);
    }
    my $line   = $r->{lines}[0];
    my @values = (undef, $line->[0], $r->{name}, $r->{category}, $line->[3],
        $r->{description}, $r->{actor} // '', $r->{archive}, $r->{if});
    (my $text = $patch) =~ s/\$(\d)/quoted($values[$1])/ge;
    return "$text) SELECT ROW($n, false, CASE WHEN id IS NULL THEN 404"
        . ' WHEN concorde THEN 200 ELSE 412 END, NULL, NULL, NULL, NULL, id,'
        . ' nom, categorie, prix, description, concorde, renomme)::text'
        . ' FROM (SELECT) un LEFT JOIN r ON true';
}

my $state = <<'SQL';
SELECT 'journal', type, magasin_id, produit_id, delta, quantite, acteur,
       reference, motif, details
  FROM journal WHERE id > :last ORDER BY magasin_id, produit_id NULLS FIRST, id;
SELECT 'stock', magasin_id, produit_id, quantite
  FROM stock_local ORDER BY 2, 3;
SELECT 'produit', p.* FROM produit p ORDER BY id;
SELECT 'vente', v.* FROM vente v WHERE id > 6 ORDER BY id;
SELECT 'ligne', l.* FROM ligne_vente l WHERE id > 9 ORDER BY id;
SELECT 'cumul', c.* FROM cumul_vente c ORDER BY 2, 3;
SELECT 'compte', magasin_id, sum(lignes), sum(ruptures), sum(surstock)
  FROM compte_stock GROUP BY 2 ORDER BY 2;
SELECT 'compte', sum(unites), sum(total) FROM compte_vente;
SELECT 'cle', acteur, cle, empreinte, (reponse).*
  FROM idempotence ORDER BY 2, 3;
SQL

my $begin = <<'SQL';
BEGIN;
SELECT coalesce(max(id), 0) AS last FROM journal \gset
SAVEPOINT debut;
SQL

my $again = <<'SQL';
ROLLBACK TO debut;
SELECT setval('vente_id_seq', 6), setval('ligne_vente_id_seq', 9) \g /dev/null
SQL

# compare(NAME, PREPARE, REQUEST...): 1 if both give the same
my $quiet;
my %rank = (prix => 0, ajustement => 1, vente => 2);
sub compare {
    my ($name, $prepare, @requests) = @_;
    my @order = sort {
        $rank{ $requests[$a]{kind} } <=> $rank{ $requests[$b]{kind} }
            || $a <=> $b
    } 0 .. $#requests;

    my $text = $begin . join('', map {"$_;\n"} @$prepare) . $again;
    $text =~ s/SAVEPOINT debut;\n(.*)ROLLBACK TO debut;\n/$1SAVEPOINT debut;\n/s;
    for my $i (@order) {
        my $n = $i + 1;
        $text .= single($n, $requests[$i]) . ";\n";
    }
    $text .= "$state\\echo ----\n$again";
    $text .= "SELECT $columns FROM " . batch(0, @requests) . " ORDER BY n;\n";
    $text .= "$state\\echo ----\n$again";
    $text .= "SELECT $columns FROM " . batch(1, @requests) . " ORDER BY n;\n";
    $text .= "$state\\echo ----\nROLLBACK;\n";

    my ($single, $skipping, $waiting, $rest)
        = map { [split /\n/] } split /^----\n/m, script($text);
    @$single[0 .. $#requests] = sort {
        ($a =~ /^\((\d+)/)[0] <=> ($b =~ /^\((\d+)/)[0]
    } @$single[0 .. $#requests];

    my $same = 1;
    for my $pair ([skipping => $skipping], [waiting => $waiting]) {
        my ($lane, $got) = @$pair;
        next if "@{ $got // [] }" eq "@$single";
        $same = 0;
        my @lines = map {
            my ($a, $b) = ($single->[$_] // '', $got->[$_] // '');
            $a eq $b ? () : "one: $a\nall: $b";
        } 0 .. ($#$single > $#$got ? $#$single : $#$got);
        diag join "\n", "$name, $lane:", @lines[0 .. ($#lines > 5 ? 5 : $#lines)]
            if !$quiet;
    }
    return $same;
}

# Random batches.  The seed is fixed: a failure comes again.
srand($ENV{BATCH_SEED} || 1);
my @etags;
sub pick { return $_[rand @_] }

sub sale {
    my @lines = map {
        [rand() < 0.03 ? 99 : pick(1 .. 5, 1, 2),
            rand() < 0.1 ? pick(20, 2147483647) : 1 + int rand 4, undef,
            rand() < 0.3 ? pick('9.50', '99999999.99', '0', '9.5') : undef]
    } 1 .. pick(1, 1, 1, 2, 3);
    return {kind => 'vente', store => rand() < 0.03 ? 99 : pick(1, 1, 1, 2, 4),
        lines => \@lines};
}

sub adjustment {
    my %r = (kind => 'ajustement', store => pick(1, 1, 2, 2, 5, 99),
        motif => pick(undef, 'casse', q{d'"été"\\ {x,y}}, ''));
    my $product = rand() < 0.05 ? 99 : pick(1, 2, 3, 4);
    if (rand() < 0.6) {
        $r{lines} = [[$product, pick(-3, -1, 1, 2, 5, 40, -40, 2147483647)]];
    } else {
        $r{expected} = pick(0, 0, 20, 35, undef);
        $r{expected} = undef if rand() < 0.2;
        $r{lines}    = [[$product, undef, pick(0, 1, 7, 2147483647)]];
    }
    $r{if} = pick('*', '20', '35,0', '5,7,20') if rand() < 0.3;
    return \%r;
}

sub change {
    my %r = (kind => 'prix');
    $r{lines} = [[pick(1 .. 5, 99), undef, undef,
        rand() < 0.7 ? pick('9.50', '99999999.99', '0', '9.5') : undef]];
    $r{name}        = pick('Neuf', q{L'"Été"}, 'Souris optique')
        if rand() < 0.3;
    $r{category}    = 'Neuve' if rand() < 0.2;
    $r{description} = pick('', 'tout neuf') if rand() < 0.2;
    $r{archive}     = pick('true', 'false') if rand() < 0.2;
    $r{if} = pick('*', 'abc', 'abc,' . pick(@etags)) if rand() < 0.4;
    return \%r;
}

# Only these, and no change with more, have a way of their own.
sub price {
    return {kind => 'prix', lines => [[pick(1 .. 3, 1, 99), undef, undef,
        pick('9.50', '99999999.99', '0', '9.5', '12.00')]]};
}

sub random_batch {
    my $adjustments = pick(0, 0, 0.1, 0.5);
    my $changes     = pick(0, 0, 0.1, 0.5, 1);
    my $plain       = rand() < 0.5;
    my $n = 0;
    return map {
        $n++;
        my $r = rand() < $changes ? $plain ? price() : change()
            : rand() < $adjustments ? adjustment() : sale();
        $r->{actor} = pick(undef, 'caisse 1', 'caisse "2"', q{l'été, (x)});
        if (defined $r->{actor} && $r->{kind} ne 'prix' && rand() < 0.5) {
            $r->{key}   = "k$n";
            $r->{print} = "e$n";
        }
        $r;
    } 1 .. pick(1, 2, 8, 16, 32);
}

MagasinTest::reset();
@etags = split /\n/, MagasinTest::sql('SELECT produit_etag(nom, categorie,'
    . ' prix, description) FROM produit WHERE id < 6');

sub random_comparison {
    my ($name) = @_;
    my @prepare;
    push @prepare, 'UPDATE magasin SET ouvert = false WHERE id = 2'
        if rand() < 0.1;
    push @prepare, 'UPDATE produit SET archive_le = now() WHERE id = 3'
        if rand() < 0.2;
    push @prepare, 'UPDATE stock_local SET quantite = ' . int(rand 12)
        . ' WHERE produit_id < 6' if rand() < 0.7;
    push @prepare, 'UPDATE stock_local SET quantite = 2147483647'
        . ' WHERE produit_id = 2' if rand() < 0.3;
    push @prepare, q{INSERT INTO idempotence (acteur, cle, empreinte, reponse)}
        . q{ VALUES ('caisse 1', 'k1', 'e1', (201, '/x/', NULL, 'd', 'c')),}
        . q{ ('caisse 1', 'k2', 'autre', (201, '/x/', NULL, 'd', 'c'))}
        if rand() < 0.3;
    return compare($name, \@prepare, random_batch());
}

{
    my $different = 0;
    for my $i (1 .. ($ENV{BATCHES} || 40)) {
        random_comparison("batch $i") or $different++;
    }
    is($different, 0, 'batches give what single calls give');
}

# A total that is too large, and one that is not, with much stock.
ok(compare('total', ['UPDATE stock_local SET quantite = 2147483647'],
        map { {kind => 'vente', store => 1, lines => [[1, $_, undef,
            '99999999.99']]} } 9999, 10000, 10001, 2147483647, 2147463647),
    'totals');

# One sale of so many lines that it has to go the way of all batches, and one
# of fewer.
for my $n (50, 51, 400) {
    ok(compare("$n lines", ['UPDATE stock_local SET quantite = 100000'],
            {kind => 'vente', store => 1, lines => [map {
                [1 + $_ % 5, 1 + $_ % 7, undef, $_ % 3 ? undef : $_]
            } 1 .. $n]}), "one sale of $n lines");
}

# Bugs that a batch can have are found when they are planted.
sub planted {
    my ($name, $function, $old, $new, @requests) = @_;
    $old = quoted($old);
    $new = quoted($new);
    my $definition = MagasinTest::sql(
        "SELECT pg_get_functiondef('$function'::regproc)");
    MagasinTest::sql(<<"SQL");
DO \$do\$
DECLARE d text := pg_get_functiondef('$function'::regproc);
BEGIN
    IF strpos(d, $old) = 0 THEN
        RAISE 'the function has changed: plant the bug anew';
    END IF;
    EXECUTE replace(d, $old, $new);
END
\$do\$
SQL
    $quiet = 1;
    my $same = compare($name, [
        'UPDATE stock_local SET quantite = 5 WHERE magasin_id = 1'], @requests);
    $quiet = 0;
    MagasinTest::sql($definition);
    ok(!$same, "planted: $name: found");
    ok(compare($name, ['UPDATE stock_local SET quantite = 5'
            . ' WHERE magasin_id = 1'], @requests),
        "planted: $name: gone");
    return;
}

sub sells {
    my ($actor, $key, @lines) = @_;
    return {kind => 'vente', store => 1, actor => $actor, key => $key,
        print => $key && "e$key", lines => \@lines};
}

my @scarce = (sells('a', undef, [1, 3]), sells('b', 'k', [1, 4], [2, 1]),
    sells('c', undef, [1, 2]), sells('d', undef, [2, 5]));
my @less = (sells('a', undef, [1, 1]), sells('b', undef, [1, 3]),
    sells('c', undef, [1, 2]));
my @enough = (sells('a', undef, [1, 1]), sells('b', 'k', [1, 2]),
    sells('c', undef, [1, 1], [2, 1]));

planted('order', 'lot_vendre', 'array_agg(c.n ORDER BY c.n) FILTER'
    . ' (WHERE NOT c.sure)',
    'array_agg(c.n ORDER BY c.n DESC) FILTER (WHERE NOT c.sure)', @scarce);
planted('what a refusal takes along', 'lot_vendre',
    'IF r.statut IS NOT NULL THEN',
    'IF r.statut IS NOT NULL THEN FOR k IN 1 .. cardinality(restes) LOOP'
    . ' restes[k] := restes[k] - 1; END LOOP;', @scarce);
planted('a neighbour that is refused along', 'lot_vendre',
    'oui[n] := true;', 'oui[n] := cardinality(autres) < 2;', @scarce);
planted('running quantity', 'lot_tenir',
    'ROWS UNBOUNDED PRECEDING', 'ROWS BETWEEN UNBOUNDED PRECEDING AND'
    . ' UNBOUNDED FOLLOWING', @enough);
planted('running quantity, not enough for all', 'lot_vendre',
    'ORDER BY u.rang
                                           ROWS UNBOUNDED PRECEDING',
    'ORDER BY -u.rang
                                           ROWS UNBOUNDED PRECEDING', @less);
planted('running quantity of adjustments', 'journal_mouvements',
    'place ORDER BY rang ROWS UNBOUNDED PRECEDING',
    'place ORDER BY rang ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED'
    . ' FOLLOWING', map { {kind => 'ajustement', store => 1, actor => 'a',
            lines => [[1, $_]]} } -1, 2, -3);
planted('whose movement', 'lot_vendre_ecrire',
    q{nullif(p_acteurs[n], '')}, q{nullif(p_acteurs[1], '')}, @enough);
planted('which sale', 'lot_vendre_ecrire',
    q{'vente/' || p_ids[n]}, q{'vente/' || p_ids[1]}, @enough);
planted('a sum of one sale', 'lot_vendre_ecrire',
    'SET quantite = c.quantite + p.quantite',
    'SET quantite = c.quantite + 1', @enough);
planted('a count of one sale', 'lot_vendre_ecrire',
    'SELECT sum(quantite), sum(total) FROM places',
    'SELECT count(*), sum(total) FROM places', @enough);
planted('who sold alone', 'lot_vendre_une', q{nullif(p_acteur, '')},
    q{nullif('', p_acteur)}, sells('a', undef, [1, 1]));
planted('what is left after one alone', 'lot_vendre_une',
    'p_produit, -p_quantite, reste,', 'p_produit, -p_quantite, 0,',
    sells('a', undef, [1, 1]));
planted('a threshold of one alone', 'lot_vendre_une',
    'IF reste = 0 OR', 'IF reste < 0 OR', sells('a', undef, [1, 5]));
planted('a threshold', 'lot_vendre_ecrire',
    'WHERE reste = 0 OR', 'WHERE reste < 0 OR', @scarce);
planted('a key that is forgotten', 'lot_ecrire',
    'WHERE u.gardee AND u.cle IS NOT NULL',
    'WHERE u.gardee AND u.cle IS NULL', @enough);
planted('a key of somebody else', 'lot_ecrire',
    'unnest(p_acteurs, p_cles, p_empreintes, l.gardees',
    q{unnest(array_fill('a'::text, ARRAY[nombre]), p_cles, p_empreintes,}
    . ' l.gardees', @enough);

my @prices = map {
    {kind => 'prix', actor => $_->[2],
        lines => [[$_->[0], undef, undef, $_->[1]]]}
} [1, '9.50', 'a'], [2, '3.00', 'b'], [1, '7.00', 'c'], [99, '1.00', 'a'],
    [1, '8.00', 'b'];
planted('the price before', 'lot_changer_prix',
    'lag(v.prix::numeric(10,2), 1, p.prix) OVER w', 'p.prix', @prices);
planted('of several prices the first', 'lot_changer_prix',
    'lead(v.n) OVER w IS NULL', 'lag(v.n) OVER w IS NULL', @prices);
planted('a price that is not told', 'lot_changer_prix', 'WHERE ancien <> prix',
    'WHERE ancien < prix', @prices);
planted('whose price', 'lot_changer_prix', q{nullif(p_acteurs[n], '')},
    q{nullif(p_acteurs[1], '')}, @prices);
planted('a product that is not there', 'lot_changer_prix',
    'reponses[c.n] := rien;', 'reponses[c.n] := bien;', @prices);

# One or two sales of one line have the way of a sale alone.
my $price = {kind => 'prix', actor => 'a',
    lines => [[1, undef, undef, '3.00']]};
for my $few (
    ['a sale and a price', $price, sells('a', 'k', [1, 2])],
    ['a price after a sale', sells('a', 'k', [1, 2]), $price],
    ['two sales', sells('a', 'k', [1, 2]), sells('b', undef, [1, 3])],
    ['two sales and a price', sells('a', undef, [1, 2]), $price,
        sells('b', 'k', [1, 2])],
    ['the first too much', sells('a', 'k', [1, 6]), sells('b', 'l', [1, 3])],
    ['the second too much', sells('a', 'k', [1, 4]), sells('b', 'l', [1, 3])],
    ['two lines of one', sells('a', 'k', [1, 2], [1, 1]), $price],
    ['a product that is not there', sells('a', 'k', [99, 2]),
        sells('b', 'l', [1, 3])],
    ['an adjustment first', sells('a', 'k', [1, 4]),
        {kind => 'ajustement', store => 1, actor => 'a', lines => [[1, -3]]}],
    )
{
    my ($what, @requests) = @$few;
    ok(compare($what, ['UPDATE stock_local SET quantite = 5'
                . ' WHERE magasin_id = 1'], @requests), "few: $what");
}
planted('a key of few', 'lot_ecrire',
    "l.libres[numero] := false;\n            l.gardees[numero] := true;",
    "l.libres[numero] := false;\n            l.gardees[numero] := false;",
    $price, sells('a', 'k', [1, 2]));
planted('whose sale of few', 'lot_ecrire', 'prix[1], p_acteurs[numero]);',
    'prix[1], p_acteurs[1]);', $price, sells('b', 'k', [1, 2]));

for my $none ('-5', 'NaN') {
    like(script("BEGIN;\nSELECT FROM "
                . batch(0, map {
                    {kind => 'prix', lines => [[1, undef, undef, $_]]}
                } $none, '7') . ";\nROLLBACK;\n"),
        qr/violates check constraint/, "$none is no price before another one");
}


# What one session sees of another.

sub answers {
    my ($wait, @requests) = @_;
    return MagasinTest::sql("SELECT n || ' ' || coalesce(statut::text, '-')"
            . " || CASE WHEN manque THEN ' manque' ELSE '' END FROM "
            . batch($wait, @requests) . ' ORDER BY n');
}

MagasinTest::reset();
{
    my $held = MagasinTest::hold(
        'SELECT FROM stock_local WHERE magasin_id = 1 AND produit_id = 2'
        . ' FOR UPDATE');
    is(answers(0, sells('a', undef, [1, 1]), sells('b', 'k', [1, 1], [2, 1]),
            sells('c', undef, [3, 1]),
            {kind => 'ajustement', store => 1, lines => [[2, 1]]},
            {kind => 'ajustement', store => 1, lines => [[3, 1]]}),
        "1 201\n2 - manque\n3 201\n4 - manque\n5 200",
        'a locked row: only those that want it miss it');
    is(answers(0, sells('b', 'k', [2, 1])), '1 - manque',
        'a locked row: one alone misses it, too');
    is(MagasinTest::sql("SELECT count(*) FROM idempotence"), 0,
        'a locked row: the key is not taken');
    MagasinTest::release($held);
    is(answers(1, sells('b', 'k', [1, 1], [2, 1])), '1 201',
        'a row that is free again');
}
{
    my $held = MagasinTest::hold('SELECT FROM produit WHERE id = 4 FOR UPDATE');
    is(answers(0, sells('a', undef, [1, 1]), sells('b', undef, [4, 1]),
            {kind => 'prix', lines => [[4, undef, undef, '1']]},
            {kind => 'prix', lines => [[99, undef, undef, '1']]},
            {kind => 'prix', lines => [[5, undef, undef, '1']]}),
        "1 201\n2 - manque\n3 - manque\n4 404\n5 200", 'a locked product');
    MagasinTest::release($held);
}
{
    my $held = MagasinTest::hold('SELECT FROM magasin WHERE id = 2 FOR UPDATE');
    is(answers(0, sells('a', undef, [1, 1]),
            {kind => 'vente', store => 2, lines => [[1, 1]]}),
        "1 201\n2 - manque", 'a locked store');
    MagasinTest::release($held);
}
{
    # As cumul_avancer() has it.
    MagasinTest::sql('SELECT FROM ' . one(sells(undef, undef, [1, 1], [2, 1])));
    my $held = MagasinTest::hold(
        'UPDATE cumul_vente SET recente = recente WHERE magasin_id = 1'
        . ' AND produit_id = 2');
    is(answers(0, sells('a', undef, [1, 1]), sells('b', 'sum', [1, 1], [2, 1]),
            sells('c', undef, [3, 1]),
            {kind => 'ajustement', store => 1, lines => [[2, 1]]},
            {kind => 'vente', store => 4, lines => [[3, 1]]}),
        "1 201\n2 - manque\n3 201\n4 200\n5 201",
        'a locked sum: only those that sell of it miss it');
    is(answers(0, sells('a', undef, [1, 1]),
            {kind => 'ajustement', store => 1, lines => [[2, 1]]}),
        "1 201\n2 200", 'a locked sum: adjustments do not need it');
    is(answers(0, sells('b', 'sum', [1, 1], [2, 1])), '1 - manque',
        'a locked sum: one alone misses it, too');
    is(answers(0, sells('b', undef, [1, 1])), '1 201',
        'a locked sum: one alone that does not need it');
    is(MagasinTest::sql("SELECT count(*) FROM idempotence WHERE cle = 'sum'"),
        0, 'a locked sum: the key is not taken');
    MagasinTest::release($held);
    is(answers(0, sells('b', 'sum', [1, 1], [2, 1]), sells('c', undef, [2, 1]),
            {kind => 'ajustement', store => 2, lines => [[4, 9]]},
            {kind => 'vente', store => 2, lines => [[4, 1]]}),
        "1 201\n2 201\n3 200\n4 201", 'a sum that is free again');
    is(MagasinTest::sql('SELECT * FROM cumul_ecarts()'), '',
        'a locked sum: the sums are right');
}
{
    # A row comes between two looks at the stock.  It would be sold from
    # unlocked, and by everybody as if nobody else had sold of it.
    MagasinTest::reset('DELETE FROM stock_local WHERE magasin_id = 1'
        . ' AND produit_id = 2');
    for my $plant (
        ['    IF autres IS NOT NULL THEN', 'before what there is is read'],
        ['    FOR i IN 1 .. coalesce(cardinality(autres), 0) LOOP',
            'after that'])
    {
        my ($place, $when) = @$plant;
        my ($old, $new) = map { quoted($_) } $place,
            '    INSERT INTO stock_local (magasin_id, produit_id, quantite)'
            . " VALUES (1, 2, 5);\n$place";
        my $output = script("BEGIN;\nDO \$do\$\nDECLARE d text :="
            . " pg_get_functiondef('lot_vendre'::regproc);\nBEGIN\n"
            . " ASSERT strpos(d, $old) > 0;\n EXECUTE replace(d, $old, $new);\n"
            . "END\n\$do\$;\nSELECT n, statut, manque FROM "
            . batch(0, sells('a', undef, [2, 4]),
                sells('b', undef, [2, 2], [1, 1]), sells('c', undef, [1, 1]))
            . " ORDER BY n;\nROLLBACK;\n");
        is($output, "1||t\n2||t\n3|201|f\n", "a row that comes $when");
    }
}
{
    my $held = MagasinTest::hold("SELECT FROM vente_creer(1, '{5}', '{1}',"
            . " '{NULL}', 'b', 'en-cours', 'e')");
    is(answers(0, sells('b', 'en-cours', [1, 1]), sells('a', 'en-cours',
                [1, 1])), "1 409\n2 201", 'a key that is in use');
    MagasinTest::release($held);
}
{
    # Somebody else makes the row, after the batch has looked and before it
    # writes: it waits for him, and has nothing done.
    my $held = MagasinTest::hold('INSERT INTO stock_local (magasin_id,'
        . ' produit_id, quantite) VALUES (2, 2, 4)');
    my @both = ({kind => 'ajustement', store => 2, lines => [[2, 5]]},
        {kind => 'ajustement', store => 2, lines => [[1, 5]]},
        {kind => 'ajustement', store => 2, lines => [[2, 1]]});
    my $pid = open(my $pipe, '-|') // die "fork: $!\n";
    if ($pid == 0) {
        print answers(1, @both);
        close STDOUT;
        require POSIX;
        POSIX::_exit(0);
    }
    for (1 .. 3000) {
        last if MagasinTest::sql('SELECT count(*) FROM pg_stat_activity'
                . q{ WHERE wait_event_type = 'Lock'}
                . q{ AND query LIKE '%lot_ecrire%'}) > 0;
        select undef, undef, undef, 0.02;
    }
    MagasinTest::release($held, 'COMMIT');
    is(do { local $/; <$pipe> }, "1 - manque\n2 200\n3 - manque",
        'a row that somebody else makes');
    close $pipe;
    is(MagasinTest::sql('SELECT produit_id, quantite FROM stock_local'
            . ' WHERE magasin_id = 2 AND produit_id < 3 ORDER BY 1'),
        "1|5\n2|4", 'a row that somebody else makes: what there is');
    is(answers(1, @both), "1 200\n2 200\n3 200",
        'a row that somebody else has made');
}
for my $case (
    ['stock', 'UPDATE stock_local SET quantite = quantite + 1'],
    ['sum', 'UPDATE cumul_vente SET recente = recente'])
{
    # The row is in another place when the batch has waited for it.
    my ($what, $update) = @$case;
    MagasinTest::reset();
    MagasinTest::sql('SELECT FROM ' . one(sells(undef, undef, [1, 1])));
    my $held = MagasinTest::hold(
        "$update WHERE magasin_id = 1 AND produit_id = 1");
    my $pid = open(my $pipe, '-|') // die "fork: $!\n";
    if ($pid == 0) {
        print answers(1, sells('a', undef, [1, 1]), sells('b', undef, [1, 2]));
        close STDOUT;
        require POSIX;
        POSIX::_exit(0);
    }
    for (1 .. 3000) {
        last if MagasinTest::sql('SELECT count(*) FROM pg_stat_activity'
                . q{ WHERE wait_event_type = 'Lock'}
                . q{ AND query LIKE '%lot_ecrire%'}) > 0;
        select undef, undef, undef, 0.02;
    }
    MagasinTest::release($held, 'COMMIT');
    is(do { local $/; <$pipe> }, "1 201\n2 201",
        "a $what that somebody else changes meanwhile");
    close $pipe;
    is(MagasinTest::sql('SELECT * FROM cumul_ecarts()'), '',
        "a $what that somebody else changes: the sums are right");
}
{
    # The sum is made when the batch has looked, and changed when it has found
    # it: the batch waits three times, and has it where it is then.
    MagasinTest::reset();
    my $waits = sub {
        for (1 .. 3000) {
            return if MagasinTest::sql('SELECT count(*) FROM pg_stat_activity'
                    . q{ WHERE wait_event_type = 'Lock'}
                    . q{ AND query LIKE '%lot_ecrire%'}) > 0;
            select undef, undef, undef, 0.02;
        }
        die "the batch does not wait\n";
    };
    my $held
        = MagasinTest::hold('SELECT FROM magasin WHERE id = 1 FOR UPDATE');
    my $pid = open(my $pipe, '-|') // die "fork: $!\n";
    if ($pid == 0) {
        print answers(1, sells('a', undef, [3, 1]), sells('b', undef, [3, 2]));
        close STDOUT;
        require POSIX;
        POSIX::_exit(0);
    }
    $waits->();
    MagasinTest::sql('INSERT INTO cumul_vente (magasin_id, produit_id, quantite,'
        . ' total, recente, premiere)'
        . ' VALUES (1, 3, 0, 0, 0, 9223372036854775807)');
    my $changed = MagasinTest::hold('UPDATE cumul_vente SET recente = recente'
        . ' WHERE magasin_id = 1 AND produit_id = 3');
    MagasinTest::release($held);
    $waits->();
    MagasinTest::release($changed, 'COMMIT');
    is(do { local $/; <$pipe> }, "1 201\n2 201",
        'a sum that somebody else makes and changes meanwhile');
    close $pipe;
    is(MagasinTest::sql('SELECT * FROM cumul_ecarts()'), '',
        'a sum that somebody else makes: the sums are right');
}
is(answers(0, sells('b', 'deux', [1, 1]), sells('b', 'deux', [1, 1]),
        sells('c', 'deux', [1, 1])), "1 201\n2 - manque\n3 201",
    'a key that stands twice');
is(answers(0, sells('b', 'deux', [1, 1]), {%{ sells('c', 'deux', [1, 1]) },
        print => 'autre'}), "1 201\n2 422", 'keys that are known');


# What was laid is read where it explains what has changed, and nowhere else.

sub told {
    my (@statements) = @_;
    MagasinTest::reset();
    my $last = MagasinTest::sql('SELECT max(id) FROM journal');
    MagasinTest::sql(@statements);
    return MagasinTest::sql("SELECT concat_ws(' ', type, produit_id, delta,"
            . " quantite, acteur, reference) FROM journal WHERE id > $last"
            . ' AND magasin_id = 1 ORDER BY id');
}

my $laid = q{SET LOCAL magasin.mouvements = };
is(told("$laid'{\"(1,1,-2,moi,vente/8,)\",\"(1,1,-3,,,)\"}'",
        'UPDATE stock_local SET quantite = quantite - 5 WHERE magasin_id = 1'
        . ' AND produit_id < 3'),
    "manuel 2 -5 30 postgres\nmanuel 1 -2 18 moi vente/8\n"
    . 'manuel 1 -3 15 postgres', 'movements that explain one row of two');
is(told("$laid'{\"(1,1,-2,moi,vente/8,)\",\"(1,2,-5,moi,vente/9,)\"}'",
        'UPDATE stock_local SET quantite = quantite - 5 WHERE magasin_id = 1'
        . ' AND produit_id = 1'),
    'manuel 1 -5 15 postgres', 'movements that do not explain it');
is(told("$laid'{\"(1,1,-5,moi,vente/8,)\"}'",
        "SELECT FROM vente_creer(1, '{1}', '{5}', '{NULL}', NULL, NULL, NULL)"),
    "vente_creation postgres vente/7\nvente 1 -5 15 postgres vente/7",
    'what the caller of a function has laid is not read');
is(told("$laid'{\"(1,1,-5,moi,vente/8,)\"}'",
        "SET LOCAL magasin.ventes = '{7}'",
        "SET LOCAL magasin.ventes_acteurs = '{moi}'",
        'SELECT FROM ' . batch(0, sells('a', undef, [1, 5]),
            sells(undef, undef, [2, 1]), sells('c', undef, [2, 1])),
        'UPDATE stock_local SET quantite = quantite - 5 WHERE id = 1'),
    "vente_creation a vente/7\nvente_creation postgres vente/8\n"
    . "vente_creation c vente/9\nvente 1 -5 15 a vente/7\n"
    . "vente 2 -1 34 postgres vente/8\nvente 2 -1 33 c vente/9\n"
    . 'vente 1 -5 10 postgres', 'nor by a batch, and it leaves nothing');


# The triggers that a batch does the work of are silent for it, and for nobody
# else.

is(told(q{SET LOCAL magasin.lot = '0'},
        'UPDATE stock_local SET quantite = 1 WHERE magasin_id = 1'
        . ' AND produit_id = 1'),
    'manuel 1 -19 1 postgres', 'who is not the owner silences nothing');
is(told(q{SET LOCAL magasin.lot = '0'},
        "SELECT FROM vente_creer(1, '{1}', '{5}', '{NULL}', NULL, NULL, NULL)"),
    "vente_creation postgres vente/7\nvente 1 -5 15 postgres vente/7",
    'nor who calls a function');

my $trigger = 'CREATE FUNCTION t_lot() RETURNS trigger LANGUAGE plpgsql'
    . ' AS $t$ BEGIN %s END $t$';
is(told(sprintf($trigger, 'IF pg_trigger_depth() = 1 THEN UPDATE stock_local'
                . ' SET quantite = 7 WHERE magasin_id = 1 AND produit_id = 3;'
                . ' END IF; RETURN NULL;'),
        'CREATE TRIGGER t_lot AFTER INSERT ON vente EXECUTE FUNCTION t_lot()',
        'GRANT EXECUTE ON FUNCTION t_lot TO magasin_owner',
        'SELECT FROM ' . batch(0, sells('a', undef, [1, 5]),
            sells('b', undef, [2, 1]), sells('c', undef, [2, 1])),
        'DROP TRIGGER t_lot ON vente', 'DROP FUNCTION t_lot'),
    "vente_creation a vente/7\nvente_creation b vente/8\n"
    . "vente_creation c vente/9\nvente 1 -5 15 a vente/7\n"
    . "vente 2 -1 34 b vente/8\nvente 2 -1 33 c vente/9\n"
    . 'vente 3 -8 7 postgres', 'what a trigger changes meanwhile is told');
is(MagasinTest::sql('SELECT * FROM compte_ecarts()'), '',
    'what a trigger changes meanwhile is counted');

like(script(sprintf("BEGIN; $trigger;\n",
                'NEW.quantite := NEW.quantite - 1; RETURN NEW;')
            . "CREATE TRIGGER t_lot BEFORE UPDATE ON stock_local FOR EACH ROW"
            . " EXECUTE FUNCTION t_lot();\n"
            . 'GRANT EXECUTE ON FUNCTION t_lot TO magasin_owner; SELECT FROM '
            . batch(0, sells('a', undef, [1, 5])) . ";\nROLLBACK;\n"),
    qr/the stock is not what the batch has locked/,
    'a trigger that changes what a batch writes');


# PostgreSQL keeps a plan unless one for the values is cheaper with the time it
# takes to make it.

my $statement = do {
    local (@ARGV, $/) = "$MagasinTest::Top/sql/statements/writes_batch.sql";
    <>;
};
$statement =~ s/^--.*\n//mg;
(my $call = batch(0, map { sells('a', undef, [$_, 1]) } 1, 2, 1))
    =~ s/^lot_ecrire/EXECUTE writes/;
like(script("PREPARE writes AS $statement;\nBEGIN;\n" . "$call;\n" x 12
            . 'SELECT \'kept \' || (generic_plans >= 5)'
            . " FROM pg_prepared_statements WHERE name = 'writes';\nROLLBACK;\n"),
    qr/^kept true$/m, 'the plan of a batch is kept');
