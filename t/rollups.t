# The sums of the sales (cumul_vente, and fenetre with the edge of its window):
# whatever happens to the sales, they are what the sale lines add up to, and
# the reports made of them say what the lines say.

use strict;
use warnings;

use lib 't/inc';
use Test::Base 'no_plan';
use File::Temp qw(tempfile);
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep);
use MagasinTest;

# A block starts from the fixture and runs `--- sql` in one transaction, or is
# refused in the words of `--- error`.  After it all sums are compared.

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

# Both statements of a route: the one that reads the sums, the one that does
# not.  Both get a store and a number of stores.  The former's last column, the
# products with equal names, is left out.
my %Statement = map { ("${_}_raw" => file("t/raw/$_.sql")) }
    qw(reports dashboard);

$Statement{reports_sums} = file('sql/statements/reports.sql')
    =~ s/\$3::bigint\[\]/NULL::bigint[]/r;
$Statement{reports_sums} = 'SELECT id, partie, nom, valeur, rang FROM ('
    . "$Statement{reports_sums}) x (id, partie, nom, valeur, same, rang)"
    . ' ORDER BY id, partie, rang';

$Statement{dashboard_sums} = file('sql/statements/dashboard_stores.sql')
    =~ s/\$3::bigint\[\]/NULL::bigint[]/r
    =~ s/\$2::boolean/true/r
    =~ s/= ANY \(\$1::bigint\[\]\)/IN (SELECT id FROM magasin WHERE id > \$1::bigint ORDER BY id LIMIT \$2::int)/r;
$Statement{dashboard_sums} = 'SELECT id, nom, total, ruptures, surstock, texte,'
    . " validite, liste FROM ($Statement{dashboard_sums}) x (id, nom, total,"
    . ' ruptures, surstock, texte, validite, liste, same) ORDER BY id';

my $prepare = join '', map {"PREPARE $_ AS $Statement{$_};\n"}
    sort keys %Statement;

# The text of both answers, told apart; now() and the rows are the same for
# both.
sub answers {
    my (@pages) = @_;
    return join '', map {
        my $route = $_;
        map {
            my $page = $_;
            map {"\\echo $_ $page\nEXECUTE ${route}_$_ ($page);\n"}
                qw(sums raw)
        } @pages
    } qw(dashboard reports);
}

# agree(NAME, OUTPUT): what the statements of answers() have printed
sub agree {
    my ($name, $output) = @_;
    my %answer;
    my $route = 'dashboard';
    while ($output =~ /^(sums|raw) (\d+, \d+)\n(.*?)(?=^(?:sums|raw) \d|\z)/gms)
    {
        my ($way, $page, $rows) = ($1, $2, $3);
        $route = 'reports' if exists $answer{"$route $page"}{$way};
        $answer{"$route $page"}{$way} = $rows =~ s/\n+\z//r;
    }
    for my $which (sort keys %answer) {
        is($answer{$which}{sums}, $answer{$which}{raw}, "$name: $which");
    }
    return;
}

sub sound {
    my ($name, @pages) = @_;
    is(MagasinTest::sql('SELECT * FROM cumul_ecarts()'), '',
        "$name: the sums are right");
    my ($accepted, $output) = psql(
        "BEGIN ISOLATION LEVEL REPEATABLE READ;\n$prepare"
        . answers(@pages ? @pages : '0, 50') . "COMMIT;\n");
    ok($accepted, "$name: the reports are made") or diag $output;
    agree($name, $output);
    return;
}

# check(): exit status and what scripts/check.sh prints
sub check {
    my ($what, $database) = @_;
    local $ENV{DATABASE} = $database // $admin;
    my $output = `'$MagasinTest::Top/scripts/check.sh' '$what' 2>/dev/null`;
    return ($? >> 8, $output);
}

# The edge of the window as it would be if nobody had moved it for long, with
# sums to match.
sub edge {
    my ($age) = @_;
    return ("UPDATE fenetre SET bord = now() - interval '$age'",
        'UPDATE cumul_vente c SET recente = coalesce((SELECT sum(quantite)'
            . ' FROM vente_nette n WHERE n.magasin_id = c.magasin_id'
            . ' AND n.produit_id = c.produit_id'
            . ' AND n.instant >= (SELECT bord FROM fenetre)), 0)');
}

# returned(AGE, UNITS, LINES): statements, with a return of each of these lines
my $return = 100;

sub returned {
    my ($age, $units, $lines) = @_;
    return map {
        $return++;
        (sprintf('INSERT INTO retour (id, vente_id, magasin_id, date_retour,'
            . ' remise_en_stock, total) SELECT %d, v.id, v.magasin_id,'
            . " clock_timestamp() - interval '%s', true, 0 FROM vente v"
            . ' JOIN ligne_vente l ON l.vente_id = v.id WHERE l.id = %d',
            $return, $age, $_),
        sprintf('INSERT INTO retour_ligne (retour_id, ligne_id, produit_id,'
            . ' quantite, prix_unitaire) SELECT %d, id, produit_id, %d,'
            . ' prix_unitaire FROM ligne_vente WHERE id = %d',
            $return, $units, $_))
    } split /,/, $lines;
}

# sale(AGE[, STORE[, PRODUCT[, QUANTITY]]]): a statement
sub sale {
    my ($age, $store, $product, $quantity) = @_;
    return sprintf 'WITH v AS (INSERT INTO vente (magasin_id, date_vente,'
        . " total) VALUES (%d, clock_timestamp() - interval '%s', 1)"
        . ' RETURNING id) INSERT INTO ligne_vente (vente_id, produit_id,'
        . ' quantite, prix_unitaire) SELECT id, %d, %d, 1.25 FROM v',
        $store // 4, $age, $product // 3, $quantity // 2;
}

MagasinTest::reset();
sound('the fixture');

run {
    my ($block) = @_;
    my $name = $block->name;

    MagasinTest::reset();
    my ($accepted, $output) = psql($block->sql, '-1');
    if (defined $block->error) {
        ok(!$accepted, "$name: refused");
        chomp(my $error = $block->error);
        like($output, qr/\Q$error\E/, "$name: why");
    } else {
        ok($accepted, "$name: accepted") or diag $output;
    }
    sound($name);
};


# The edge moves on in steps, an hour of sales each, and the answers stay.
{
    MagasinTest::reset(
        (map { sale("$_ minutes", 1 + $_ % 5, 1 + $_ % 15, 1 + $_ % 7) }
            map { 9960 + 37 * $_ } 0 .. 60),
        edge('205 hours'));
    sound('the edge, before it moves');
    my $steps = 0;
    while (MagasinTest::sql('SELECT cumul_avancer()') eq 't') {
        $steps++;
        sound("the edge, step $steps") if $steps % 9 == 1;
        last if $steps > 60;
    }
    sound('the edge, where it has to be');
    ok($steps >= 25 && $steps <= 31, 'an hour of sales in one step')
        or diag $steps;
    is(MagasinTest::sql("SELECT bord BETWEEN clock_timestamp()"
                . " - interval '168 hours 5 seconds' AND clock_timestamp()"
                . " - interval '168 hours' FROM fenetre"), 't',
        'the edge is 168 hours ago');
    is(MagasinTest::sql(q{SELECT count(*) FROM vente
                           WHERE date_vente BETWEEN now() - interval '205 hours'
                             AND now() - interval '168 hours'}) > 50, 1,
        'and has passed over sales');
}

# Returns leave the window as sales do: what was sold before, and what was sold in
# it; an hour without a sale is one of returns.
{
    MagasinTest::reset(
        (map { sale('220 hours', 1 + $_ % 5, 1 + $_ % 15, 3) } 0 .. 60),
        (map { returned("@{[ 9960 + 61 * $_ ]} minutes", 1 + $_ % 3, 10 + $_) }
            0 .. 40), returned('1 hour', 2, '55,56'), edge('215 hours'));
    sound('returns and the edge, before it moves');
    my $steps = 0;
    while (MagasinTest::sql('SELECT cumul_avancer()') eq 't') {
        $steps++;
        sound("returns and the edge, step $steps") if $steps % 9 == 1;
        last if $steps > 60;
    }
    sound('returns and the edge, where it has to be');
    cmp_ok($steps, '>', 20, 'an hour of returns in one step');
}

# A stretch without sales is one step.
MagasinTest::reset('TRUNCATE vente, ligne_vente CASCADE', sale('1 hour'),
    sale('300 hours'), edge('9000 hours'));
is(MagasinTest::sql('SELECT cumul_avancer()'), 't', 'to the first sale');
is(MagasinTest::sql('SELECT cumul_avancer()'), 'f', 'and then to the end');
sound('a stretch without sales');


# A dense hour takes several steps: sales wait for the sums that one changes.
# An instant of more lines than one step has is passed over nevertheless.
{
    MagasinTest::reset('TRUNCATE vente, ligne_vente CASCADE', sale('190 hours'),
        q{WITH v AS (INSERT INTO vente (magasin_id, date_vente, total)
           SELECT 1 + n % 5, now() - interval '189 hours'
                  - least(n, 700) * interval '1 second', 1
             FROM generate_series(1, 1200) n RETURNING id)
          INSERT INTO ligne_vente (vente_id, produit_id, quantite,
                                   prix_unitaire)
          SELECT id, 1 + id % 15, 1, 1.25 FROM v}, edge('191 hours'));
    my $steps = 0;
    my $left = q{SELECT coalesce(sum(recente), 0) FROM cumul_vente};
    my ($before, @taken) = MagasinTest::sql($left);
    my $more;
    do {
        $more = MagasinTest::sql('SELECT cumul_avancer()');
        my $now = MagasinTest::sql($left);
        push @taken, $before - $now;
        $before = $now;
        sound("a dense hour, step $#taken");
    } while ($more eq 't' && @taken < 40);
    is($more, 'f', 'a dense hour: the edge arrives');
    is($before, 0, 'a dense hour: all of it has fallen out');
    is("@taken", '2 701 201 201 97 0', 'a dense hour: 200 lines in one step,'
        . ' besides those of the instant where it begins');
}


# now() stands still while a transaction waits; the edge does not.
{
    MagasinTest::reset(
        (map { sale(sprintf('168 hours %f seconds', $_ / 10), 1 + $_ % 5,
                    1 + $_ % 15, 1000) } -90 .. 5));
    my ($accepted, $output) = psql(<<"SQL");
$prepare
BEGIN;
SELECT FROM magasin;
\\! sleep 1.2
\\! psql -X -q -o /dev/null -d '$admin' -c 'SELECT cumul_avancer()'
\\echo late
SELECT bord > now() - interval '168 hours', count(*) > 3
  FROM fenetre LEFT JOIN vente
    ON date_vente >= now() - interval '168 hours' AND date_vente < bord
 GROUP BY bord;
@{[answers('0, 50')]}
COMMIT;
SQL
    ok($accepted, 'an edge that is late: accepted') or diag $output;
    like($output, qr/^late\nt\|t\n/m,
        'an edge that is late: there are sales between') or diag $output;
    agree('an edge that is late', $output);
    sound('an edge that is late, then');
}


# Two sessions.  Either of them first: it is held open until the other one is
# done, or waits for it.
my $session = 0;
sub start {
    my (@statements) = @_;
    my $mark = "rollups-$$-" . ++$session;
    my $pid  = fork // die "fork: $!\n";
    if ($pid == 0) {
        { no warnings 'exec';
          exec qw(psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -1 -d),
              "$admin application_name=$mark", map { ('-c', $_) } @statements }
        require POSIX;
        POSIX::_exit(127);
    }
    return { pid => $pid, mark => $mark };
}

# Whether it is done; else it waits for a lock.
sub settled {
    my ($second) = @_;
    for (1 .. 3000) {
        return 1 if !kill 0, $second->{pid};
        my $state = MagasinTest::sql("SELECT wait_event_type"
            . " FROM pg_stat_activity"
            . " WHERE application_name = '$second->{mark}'");
        return 0 if $state eq 'Lock';
        require POSIX;
        if (waitpid($second->{pid}, POSIX::WNOHANG()) == $second->{pid}) {
            $second->{status} = $?;
            return 1;
        }
        sleep 0.02;
    }
    die "neither done nor waiting\n";
}

sub finish {
    my ($second) = @_;
    if (!defined $second->{status}) {
        waitpid $second->{pid}, 0;
        $second->{status} = $?;
    }
    return $second->{status};
}

sub commit {
    my ($held) = @_;
    print {$held} "COMMIT;\n";
    close $held;
    return;
}

sub race {
    my ($name, $before, $one, $other) = @_;
    for my $order ([$one, $other], [$other, $one]) {
        my ($first, $second) = @$order;
        my $which = "$name" . ($first == $one ? '' : ', the other way round');

        MagasinTest::reset(@$before);
        my $held = MagasinTest::hold(@$first);
        my $child = start(@$second);
        settled($child);
        commit($held);
        is(finish($child), 0, "$which: both are done");
        sound($which);
    }
    return;
}

# Line 5 is 100 of product 2 in sale 3 of store 1, 8 days ago; line 6 one of
# product 8 in sale 4 of store 2.
my $line = 'INSERT INTO ligne_vente (vente_id, produit_id, quantite,'
    . ' prix_unitaire) VALUES';
my @rebuild = ('SELECT cumul_reconstruire()');
race('a sale changes its store, and gets a line', [],
    ['UPDATE vente SET magasin_id = 2 WHERE id = 3'], ["$line (3, 2, 7, 1)"]);
race('a sale changes its date, and gets a line', [],
    ['UPDATE vente SET date_vente = now() WHERE id = 3'],
    ["$line (3, 3, 7, 1)"]);
race('a sale changes its store, and loses a line', [],
    ['UPDATE vente SET magasin_id = 2 WHERE id = 1'],
    ['DELETE FROM ligne_vente WHERE id = 2']);
race('a sale changes its date, and a line its product', [],
    ['UPDATE vente SET date_vente = now() WHERE id = 3'],
    ['UPDATE ligne_vente SET produit_id = 9 WHERE id = 5']);
race('a pair goes, and comes', [],
    ['DELETE FROM ligne_vente WHERE id = 6'], ["$line (4, 8, 3, 1)"]);
race('a pair goes, and is sold today', [],
    ['DELETE FROM ligne_vente WHERE id = 6'], [sale('1 second', 2, 8)]);
race('a pair comes in two ways', [],
    ['UPDATE ligne_vente SET produit_id = 9 WHERE id = 5'],
    [sale('1 second', 1, 9)]);
race('two lines of one pair change', [],
    ['UPDATE ligne_vente SET quantite = 9 WHERE id = 2'],
    ['DELETE FROM ligne_vente WHERE id = 3']);
race('a sale of today, and a rebuild', [], [sale('1 second')], \@rebuild);
race('a sale of long ago, and a rebuild', [], [sale('168 hours')], \@rebuild);
race('the edge moves, and a rebuild', [edge('190 hours')],
    ['SELECT cumul_avancer()'], \@rebuild);
race('the edge moves, and a sale that it passes',
    [sale('189 hours', 4, 1), edge('190 hours')],
    ['SELECT cumul_avancer()'], [sale('189 hours 5 minutes')]);
race('the edge moves, and a sale that it passed',
    [sale('189 hours', 4, 3), edge('190 hours')],
    ['SELECT cumul_avancer()'], [sale('191 hours', 4, 3)]);
race('the edge moves, and a sale of today',
    [sale('189 hours', 4, 3), edge('190 hours')],
    ['SELECT cumul_avancer()'], [sale('1 second', 4, 3)]);
race('the edge moves, and a line goes',
    [sale('189 hours', 4, 3), edge('190 hours')],
    ['SELECT cumul_avancer()'],
    ['DELETE FROM ligne_vente WHERE vente_id = 7']);
race('the edge moves, and a sale changes its date',
    [sale('189 hours', 4, 3), edge('190 hours')],
    ['SELECT cumul_avancer()'],
    [q{UPDATE vente SET date_vente = now() WHERE id = 7}]);
race('the edge moves twice', [sale('189 hours', 4, 3), edge('190 hours')],
    ['SELECT cumul_avancer()'], ['SELECT cumul_avancer()']);
race('everything goes, and a sale comes', [],
    ['TRUNCATE vente, ligne_vente CASCADE'], [sale('1 second')]);


# Who waits for whom.
{
    MagasinTest::reset(sale('189 hours', 4, 3), edge('190 hours'));
    my $held = MagasinTest::hold('SELECT cumul_avancer()');
    my $today = start(q{SET LOCAL lock_timeout = '2s'},
        sale('1 second', 5, 9));
    is(finish($today), 0, 'a sale of today does not wait for the edge');
    MagasinTest::release($held);

    MagasinTest::reset(sale('189 hours', 4, 3), edge('190 hours'));
    $held = MagasinTest::hold(sale('189 hours 5 minutes'));
    my $began = Time::HiRes::time();
    is(MagasinTest::sql('SELECT entretien()'), 'f',
        'the timer does not fail when the edge cannot move');
    ok(Time::HiRes::time() - $began < 2, 'nor does it wait long');
    commit($held);
    is(MagasinTest::sql('SELECT entretien()'), 't', 'and goes on then');
    sound('the timer');

    $held = MagasinTest::hold('SELECT entretien()');
    is(MagasinTest::sql('SELECT entretien()'), 'f', 'one at a time');
    MagasinTest::release($held);
}


# Sales old and new from several sessions while the edge moves.
{
    MagasinTest::reset(
        (map { sale("$_ minutes", 1 + $_ % 2, 1 + $_ % 3) }
            map { 10080 + 31 * $_ } 0 .. 80),
        edge('210 hours'));
    my @children = map {
        my $n = $_;
        my $text = join '', map {
            my $age = ($n * 7919 + $_ * 6007) % 13000;
            ($_ % 9 ? sale("$age minutes", 1 + $_ % 2, 1 + $_ % 3)
                : 'SELECT FROM vente_creer(1, \'{1,2,3}\', \'{1,1,1}\','
                . " '{NULL,NULL,NULL}', 'x', NULL, NULL)") . ";\n"
        } 1 .. 12;
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
        MagasinTest::sql('SELECT cumul_avancer()');
        is(MagasinTest::sql('SELECT * FROM cumul_ecarts()'), '',
            'sums while sales come');
        for my $pid (grep { !defined $status{$_} } @children) {
            $status{$pid} = $? if waitpid($pid, WNOHANG) == $pid;
        }
    }
    is($status{$_}, 0, 'sales while the edge moves') for @children;
    1 while MagasinTest::sql('SELECT cumul_avancer()') eq 't';
    sound('sales while the edge moves');
}


# Anything at all: the same answers from the sums and from the lines.
srand 430;
for my $round (1 .. 4) {
    my $many = $round * 60;
    MagasinTest::reset(
        'TRUNCATE vente, ligne_vente RESTART IDENTITY CASCADE',
        q{UPDATE produit SET nom = CASE WHEN id % 4 = 0 THEN 'Même' ELSE nom
           END},
        q{INSERT INTO magasin (nom, adresse) VALUES ('Six', 'x')},
        "SELECT setseed(0.$round)",
        'INSERT INTO vente (magasin_id, date_vente, total)'
            . ' SELECT 1 + floor(random() * 5),'
            . " now() - interval '168 hours' + CASE floor(random() * 4)"
            . q{ WHEN 0 THEN floor(random() * 7 - 3) * interval '1 microsecond'}
            . q{ WHEN 1 THEN (random() - 0.5) * interval '4 hours'}
            . q{ WHEN 2 THEN (random() - 0.5) * interval '700 hours'}
            . q{ ELSE random() * interval '168 hours' END, 1}
            . " FROM generate_series(1, $many)",
        'INSERT INTO ligne_vente (vente_id, produit_id, quantite,'
            . ' prix_unitaire) SELECT 1 + floor(random() * ' . $many . '),'
            . ' 1 + floor(random() * random() * 15),'
            . ' 1 + floor(random() * random() * 4),'
            . ' round((random() * 100)::numeric, 2)'
            . " FROM generate_series(1, $many * 2)",
        $round > 1
        ? ('DELETE FROM ligne_vente WHERE random() < 0.1',
            'UPDATE ligne_vente SET quantite = quantite + 1,'
            . ' produit_id = 1 + floor(random() * 15) WHERE random() < 0.1',
            'UPDATE ligne_vente SET vente_id = 1 + floor(random() * '
            . $many . ') WHERE random() < 0.1',
            'UPDATE vente SET magasin_id = 1 + floor(random() * 5)'
            . ' WHERE random() < 0.1',
            'UPDATE vente SET date_vente = date_vente'
            . " + (random() - 0.5) * interval '300 hours'"
            . ' WHERE random() < 0.1')
        : (),
        'INSERT INTO retour (vente_id, magasin_id, date_retour,'
            . ' remise_en_stock, total) SELECT id, magasin_id, now()'
            . " - interval '168 hours' + CASE floor(random() * 3)"
            . q{ WHEN 0 THEN floor(random() * 7 - 3) * interval '1 microsecond'}
            . q{ WHEN 1 THEN (random() - 0.5) * interval '4 hours'}
            . q{ ELSE (random() - 0.5) * interval '400 hours' END, true, 1}
            . ' FROM vente, generate_series(1, 2) WHERE random() < 0.3',
        'INSERT INTO retour_ligne (retour_id, ligne_id, produit_id, quantite,'
            . ' prix_unitaire) SELECT DISTINCT ON (l.id) r.id, l.id,'
            . ' l.produit_id, 1 + floor(random() * l.quantite),'
            . ' l.prix_unitaire FROM retour r'
            . ' JOIN ligne_vente l USING (vente_id) WHERE random() < 0.8'
            . ' ORDER BY l.id, random()',
        'DELETE FROM retour_ligne WHERE random() < 0.1',
        edge((168, 169, 171, 330)[$round - 1] . ' hours'));
    sound("random sales, round $round", '0, 50', '0, 2', '2, 2', '4, 50');
    MagasinTest::sql('SELECT cumul_avancer()');
    sound("random sales, round $round, an hour further");
}


# Faults are found, and a rebuild takes them away.
for my $fault ('UPDATE cumul_vente SET quantite = quantite + 1 WHERE'
        . ' magasin_id = 1 AND produit_id = 4',
    'UPDATE cumul_vente SET total = 0 WHERE magasin_id = 1 AND produit_id = 4',
    'UPDATE cumul_vente SET recente = 0 WHERE magasin_id = 1'
        . ' AND produit_id = 4',
    'UPDATE cumul_vente SET premiere = 1 WHERE magasin_id = 1'
        . ' AND produit_id = 4',
    'DELETE FROM cumul_vente WHERE magasin_id = 1 AND produit_id = 4',
    'UPDATE cumul_vente SET produit_id = 3 WHERE magasin_id = 1'
        . ' AND produit_id = 4',
    q{UPDATE fenetre SET bord = bord + interval '6 hours'})
{
    MagasinTest::reset($fault);
    my ($status, $output) = check('rollups');
    is($status, 1, "$fault: found");
    like($output, qr/^magasin [12], produit [48]: \w+ is \S+, and the sales add up to \S+$/m,
        "$fault: named");
    is((check('rebuild-rollups'))[0], 0, "$fault: rebuilt");
    is((check('rollups'))[0], 0, "$fault: and gone");
    sound($fault);
}
is((check('rollups', 'host=/nowhere'))[0], 2, 'no database is no answer');

MagasinTest::reset();

__DATA__

=== sales by the API's function
--- sql
SELECT FROM vente_creer(1, '{4,1,4}', '{2,1,1}', '{NULL,80,3}', 'caisse', NULL,
                        NULL);
SELECT FROM vente_creer(3, '{2}', '{28}', '{NULL}', 'caisse', NULL, NULL);
SELECT FROM vente_creer(3, '{2}', '{1}', '{NULL}', 'caisse', NULL, NULL);

=== the edge, to the microsecond
--- sql
INSERT INTO vente (id, magasin_id, date_vente, total)
SELECT 100 + n, 4, bord + n * interval '1 microsecond', 1
  FROM fenetre, generate_series(-2, 2) n;
INSERT INTO ligne_vente (vente_id, produit_id, quantite, prix_unitaire)
SELECT 100 + n, 1, 10 ^ (n + 2), 1 FROM generate_series(-2, 2) n;

=== 168 hours, to the microsecond
--- sql
INSERT INTO vente (id, magasin_id, date_vente, total)
SELECT 100 + n, 4, now() - interval '168 hours' + n * interval '1 microsecond',
       1
  FROM generate_series(-2, 2) n;
INSERT INTO ligne_vente (vente_id, produit_id, quantite, prix_unitaire)
SELECT 100 + n, 1, 10 ^ (n + 2), 1 FROM generate_series(-2, 2) n;

=== dates as far as they go, and ahead
--- sql
INSERT INTO vente (id, magasin_id, date_vente, total) VALUES
    (100, 4, '0001-01-01 00:00:00+00', 1),
    (101, 4, '9999-12-31 23:59:59.999999+00', 1),
    (102, 5, now() + interval '1 day', 1);
INSERT INTO ligne_vente (vente_id, produit_id, quantite, prix_unitaire) VALUES
    (100, 1, 2147483647, 99999999.99), (100, 1, 2147483647, 99999999.99),
    (101, 1, 2147483647, 99999999.99), (102, 1, 2, 1);

=== several lines of one product, in several sales and one statement
--- sql
INSERT INTO ligne_vente (vente_id, produit_id, quantite, prix_unitaire)
SELECT v, 7, 1 + n, 2.50
  FROM generate_series(1, 6) v, generate_series(1, 3) n;

=== a sale without lines, and lines of nothing
--- sql
INSERT INTO vente (magasin_id, total) VALUES (4, 1);
INSERT INTO ligne_vente (vente_id, produit_id, quantite, prix_unitaire)
SELECT 1, 7, 1, 1 WHERE false;
UPDATE ligne_vente SET quantite = 1 WHERE false;
DELETE FROM ligne_vente WHERE false;
UPDATE vente SET magasin_id = 1 WHERE false;

=== COPY
--- sql
COPY vente (id, magasin_id, date_vente, total) FROM STDIN;
100	4	2020-01-01 00:00:00+00	1
101	4	2036-01-01 00:00:00+00	1
\.
COPY ligne_vente (vente_id, produit_id, quantite, prix_unitaire) FROM STDIN;
100	1	3	1
101	1	4	1
101	2	4	1
1	2	4	1
\.

=== a line changes its quantity and its price
--- sql
UPDATE ligne_vente SET quantite = quantite + 3 WHERE id IN (2, 5, 6);
UPDATE ligne_vente SET prix_unitaire = 0 WHERE id IN (1, 5);

=== a line changes its product
--- sql
UPDATE ligne_vente SET produit_id = 4 WHERE id = 1;
UPDATE ligne_vente SET produit_id = 12 WHERE id = 3;

=== a line changes its sale, over the edge and to another store
--- sql
UPDATE ligne_vente SET vente_id = 3 WHERE id = 1;
UPDATE ligne_vente SET vente_id = 4 WHERE id = 5;

=== a line changes its id: which one is the first
--- sql
UPDATE ligne_vente SET id = 100 WHERE id = 2;
UPDATE ligne_vente SET id = -1 WHERE id = 4;

=== lines go: one of two, the first of two, the only one
--- sql
DELETE FROM ligne_vente WHERE id IN (3, 4);
DELETE FROM ligne_vente WHERE id = 6;
INSERT INTO ligne_vente (vente_id, produit_id, quantite, prix_unitaire)
VALUES (1, 4, 1, 1);
DELETE FROM ligne_vente WHERE id = 2;

=== all lines go
--- sql
DELETE FROM ligne_vente;

=== a sale changes its store
--- sql
UPDATE vente SET magasin_id = 2 WHERE id = 1;

=== a sale changes its date, over the edge and back
--- sql
UPDATE vente SET date_vente = now() WHERE id IN (3, 5);
UPDATE vente SET date_vente = now() - interval '9 days' WHERE id IN (1, 3);

=== sales change what does not matter, and what does
--- sql
UPDATE vente SET total = 0;
UPDATE vente SET total = 1, magasin_id = 6 - magasin_id WHERE id <> 1;

=== sales change places
--- sql
UPDATE vente v SET magasin_id = w.magasin_id, date_vente = w.date_vente
  FROM vente w WHERE v.id + w.id = 7;

=== a sale that changes its id takes no line along
--- sql
UPDATE vente SET id = 100 WHERE id = 1;
--- error
ligne_vente_vente_id_fkey

=== the tables are emptied
--- sql
TRUNCATE vente, ligne_vente CASCADE;
INSERT INTO vente (id, magasin_id, total) VALUES (1, 4, 1);
INSERT INTO ligne_vente (vente_id, produit_id, quantite, prix_unitaire)
VALUES (1, 7, 1, 1);

=== the lines are emptied
--- sql
TRUNCATE ligne_vente CASCADE;

=== the tables are emptied with an old snapshot
--- sql
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
TRUNCATE vente, ligne_vente CASCADE;

=== as a replica
--- sql
SET LOCAL session_replication_role = replica;
INSERT INTO vente (id, magasin_id, total) VALUES (100, 4, 1);
INSERT INTO ligne_vente (vente_id, produit_id, quantite, prix_unitaire)
VALUES (100, 7, 1, 1);
UPDATE ligne_vente SET quantite = 9 WHERE id = 5;
UPDATE vente SET magasin_id = 5 WHERE id = 1;
DELETE FROM ligne_vente WHERE id = 6;
DELETE FROM vente WHERE id = 4;

=== as a replica: a sale that leaves its lines behind
--- sql
SET LOCAL session_replication_role = replica;
DELETE FROM vente WHERE id = 1;
DELETE FROM ligne_vente WHERE id = 1;

=== as a replica: TRUNCATE
--- sql
SET LOCAL session_replication_role = replica;
TRUNCATE vente, ligne_vente CASCADE;

=== what is rolled back does not count
--- sql
SAVEPOINT s;
UPDATE ligne_vente SET quantite = 9;
DELETE FROM ligne_vente WHERE id > 3;
ROLLBACK TO s;
SAVEPOINT t;
UPDATE ligne_vente SET quantite = 8 WHERE id = 5;
RELEASE t;

=== the edge does not move with an old snapshot
--- sql
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
SELECT cumul_avancer();
--- error
the sums of the sales need READ COMMITTED

=== nor is anything rebuilt with one
--- sql
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;
SELECT cumul_reconstruire();
--- error
the sums of the sales need READ COMMITTED

=== some of a sale comes back, all of another
--- sql
SELECT FROM retour_creer(1, ARRAY[1, 4], ARRAY[2, 1], '', true, NULL, 'x', NULL, NULL);
SELECT FROM retour_creer(6, ARRAY[9], ARRAY[1], '', false, NULL, 'x', NULL, NULL);
SELECT FROM retour_creer(2, ARRAY[4], ARRAY[5], '', false, NULL, 'x', NULL, NULL);

=== returns of this week, of sales before it: less than nothing was sold
--- sql
SELECT FROM retour_creer(3, ARRAY[2], ARRAY[60], '', true, NULL, 'x', NULL, NULL);
SELECT FROM retour_creer(5, ARRAY[8, 10], ARRAY[1, 7], '', true, NULL, 'x', NULL, NULL);

=== returns that are older than the edge
--- sql
INSERT INTO retour (id, vente_id, magasin_id, date_retour, remise_en_stock, total)
VALUES (1, 3, 1, now() - interval '9 days', true, 51), (2, 3, 1, now(), true, 51);
INSERT INTO retour_ligne (retour_id, ligne_id, produit_id, quantite, prix_unitaire)
VALUES (1, 5, 2, 2, 25.50), (2, 5, 2, 3, 25.50);

=== returns that are deleted, or emptied
--- sql
SELECT FROM retour_creer(1, ARRAY[1, 4], ARRAY[2, 1], '', true, NULL, 'x', NULL, NULL);
SELECT FROM retour_creer(2, ARRAY[4], ARRAY[2], '', true, NULL, 'x', NULL, NULL);
DELETE FROM retour_ligne WHERE produit_id = 4;
TRUNCATE retour_ligne;
SELECT FROM retour_creer(2, ARRAY[4], ARRAY[1], '', true, NULL, 'x', NULL, NULL);

=== as a replica: a return
--- sql
SET LOCAL session_replication_role = replica;
INSERT INTO retour (id, vente_id, magasin_id, remise_en_stock, total)
VALUES (1, 3, 1, true, 51);
INSERT INTO retour_ligne (retour_id, ligne_id, produit_id, quantite, prix_unitaire)
VALUES (1, 5, 2, 2, 25.50);

=== lines change beside what came back
--- sql
SELECT FROM retour_creer(1, ARRAY[1, 4], ARRAY[2, 1], '', true, NULL, 'x', NULL, NULL);
UPDATE ligne_vente SET quantite = 9 WHERE id = 1;
UPDATE vente SET date_vente = now() - interval '9 days' WHERE id = 1;

=== a product is deleted, another archived
--- sql
SELECT FROM produit_supprimer(15, NULL, 'a');
SELECT FROM produit_supprimer(4, NULL, 'a');
