# A migration comes while nodes write.  What waits for it, in functions of the
# version before, is done when it has been applied: nobody gets an error.  And
# who was allowed to write the tables is allowed to do so after it.

use strict;
use warnings;

use lib 't/inc';
use Test::Base 'no_plan';
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use IO::Select;
use MagasinTest;

if (!$ENV{TEST_NGINX_ADMIN_DATABASE}) {
    plan(skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)');
}

# The files from here on are looked at; before them, from the last release on,
# only what they have locked while they build an index.
my $first   = 23;
my $release = 17;

my $top   = $MagasinTest::Top;
my $other = 'magasin_busy';
my $tree  = tempdir(CLEANUP => 1);
my @files = sort glob "$top/sql/schema/[0-9]*.sql";

sub number { return $_[0] =~ m{/0*(\d+)_[^/]*\z} ? $1 : die "$_[0]\n" }

mkdir "$tree/$_" for qw(scripts sql sql/schema sql/checks);
for my $file (glob "$top/sql/*.sql $top/sql/checks/*.sql") {
    copy($file, $tree . substr($file, length $top)) or die "$file: $!\n";
}
copy("$top/scripts/migrate.sh", "$tree/scripts/");
copy($_, "$tree/sql/schema/") for grep { number($_) <= $release } @files;

MagasinTest::psql('-c', "DROP DATABASE IF EXISTS $other", '-c',
    "CREATE DATABASE $other TEMPLATE template0");
$ENV{TEST_NGINX_ADMIN_DATABASE} =~ s/\bdbname=\S+/dbname=$other/;
my $admin = MagasinTest::admin();

sub migrate {
    my $said = qx(bash $tree/scripts/migrate.sh '$admin' 2>&1);
    return is($?, 0, $_[0]) || diag $said;
}

# batch(KIND, STORE, PRODUCT, QUANTITY, MORE): the call of lot_ecrire for two,
# or for one.  MORE: expected (a reservation's seconds), key, one.
sub batch {
    my ($kind, $store, $product, $quantity, %more) = @_;
    my $n    = $more{one} ? 1 : 2;
    my $list = sub {
        return '{' . join(',', map { $_ // 'NULL' } @_[0 .. $n - 1]) . '}';
    };
    my $same = sub { $list->(@_, @_) };
    return 'SELECT statut FROM lot_ecrire(' . join(', ',
        map { defined $_ ? "'$_'" : 'true' }
        $same->($kind), $list->('a', 'b'), $same->($more{key}),
        $same->('e'), $same->($store), $same->($more{total}),
        $same->($more{expected}), $same->(undef), $list->(1, 2),
        $same->($product), $same->($quantity), $same->(undef), $same->(undef),
        $same->(undef), $same->(undef), $same->(undef), $same->($more{force}),
        undef) . ')';
}

# What a node writes, and what it is told.
my %writes = (
    'a sale'        => [batch('vente', 1, 1, 1, one => 1), '201'],
    'sales'         => [batch('vente', 1, 2, 1, key => 'k'), "201\n201"],
    'sales of new'  => [batch('vente', 1, 3, 1), "201\n201"],
    'with a total'  => [batch('vente', 1, 4, 1, total => '15.99'), "201\n201"],
    'forced sales'  => [batch('vente', 1, 5, 1, force => 'true'), "201\n201"],
    'too many'      => [batch('vente', 1, 6, 400), "409\n409"],
    'adjustments'   => [batch('ajustement', 1, 7, 1), "200\n200"],
    'reservations'  => [batch('reservation', 1, 8, 1, expected => 900),
        "201\n201"],
    'a claim'       => ["SELECT statut FROM lot_ecrire('{reclamation}', '{a}',"
        . q{ '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{1}',}
        . q{ ARRAY[(SELECT min(id) FROM reservation WHERE statut = 'retenue')],}
        . q{ '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}',}
        . q{ '{NULL}', true)}, '201'],
    'a price'       => [batch('prix', 'NULL', 15, 'NULL', one => 1), '200'],
    'an old sale'   => [
        "SELECT statut FROM vente_creer(1, '{9}', '{1}', '{NULL}', 'a', NULL,"
        . ' NULL)', '201'],
    'an old adjustment' => ['SELECT statut FROM stock_ajuster(1, 10, 1, NULL,'
        . " NULL, NULL, NULL, 'a', NULL, NULL)", '200'],
);

sub start {
    my ($name, $statement) = @_;
    my $pid = open(my $pipe, '-|') // die "fork: $!\n";
    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT or die;
        exec 'psql', '-X', '-q', '-A', '-t', '-d',
            "$admin application_name='busy $name'", '-c', $statement;
    }
    return $pipe;
}

migrate("the files up to $release");

# An index takes long where there are many rows.  Meanwhile the poll of the
# caches and all reads go on: no table that was there is locked against these.
MagasinTest::sql('CREATE SCHEMA t',
    "CREATE TABLE t.avant AS SELECT oid FROM pg_class WHERE relkind IN"
        . " ('r', 'p') AND relnamespace = 'public'::regnamespace",
    'CREATE TABLE t.fermee (quoi text)',
    <<'SQL', 'CREATE EVENT TRIGGER t_index ON ddl_command_end'
        CREATE FUNCTION t.index_cree() RETURNS event_trigger
            LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN
            INSERT INTO t.fermee
            SELECT c.object_identity || ': ' || l.relation::regclass
              FROM pg_event_trigger_ddl_commands() c
              JOIN pg_index i ON i.indexrelid = c.objid
              JOIN t.avant a ON a.oid = i.indrelid
              JOIN pg_locks l ON l.pid = pg_backend_pid()
                             AND l.mode = 'AccessExclusiveLock'
              JOIN t.avant b ON b.oid = l.relation;
        END
        $$
SQL
        . " WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION t.index_cree()");

sub index_locks {
    is(MagasinTest::sql('SELECT quoi FROM t.fermee ORDER BY 1'), '', $_[0]);
    return;
}

copy($_, "$tree/sql/schema/")
    for grep { number($_) > $release && number($_) < $first } @files;
migrate("the files before $first");
index_locks("the files before $first: reads go on while they build an index");

# Another program's role, and one of few columns.
my @roles = ('t_programme', 't_colonne');
my @tables = ('stock_local', 'vente', 'ligne_vente');
MagasinTest::sql((map { ("DROP ROLE IF EXISTS $_", "CREATE ROLE $_") } @roles),
    (map { ("GRANT ALL ON $_ TO t_programme") } @tables),
    'GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO t_programme',
    'GRANT SELECT ON stock_local TO t_colonne',
    'GRANT UPDATE (quantite) ON stock_local TO t_colonne');

sub allowed {
    my ($when) = @_;
    my $change = 'UPDATE stock_local SET quantite = quantite + 1 WHERE id = 1';
    is(MagasinTest::sql('SET LOCAL ROLE t_programme', $change,
            'INSERT INTO vente (id, magasin_id, total) VALUES (99, 1, 5)',
            'INSERT INTO ligne_vente (id, vente_id, produit_id, quantite,'
            . ' prix_unitaire) VALUES (99, 99, 1, 1, 5)',
            'SET LOCAL ROLE t_colonne', $change, 'RESET ROLE',
            'SELECT quantite FROM stock_local WHERE id = 1'),
        '22', "$when: others write");
    return;
}

MagasinTest::reset();
allowed("before $first");

for my $file (grep { number($_) >= $first } @files) {
    my ($name) = $file =~ m{([^/]+)\.sql\z};
    MagasinTest::reset();
    MagasinTest::sql(batch('vente', 1, 1, 1), batch('vente', 1, 2, 1),
        batch('reservation', 1, 9, 1, expected => 900));

    my $held = MagasinTest::hold("\\i $top/sql/before.sql\n", "\\i $file\n",
        'RESET ROLE');
    my %pipes = map { ($_ => start($_, $writes{$_}[0])) } sort keys %writes;

    # All wait, or are done: these have told what became of them.
    my $waiting;
    for (1 .. 3000) {
        my ($busy, @done);
        ($busy, $waiting) = split /\|/, MagasinTest::sql(
            q{SELECT count(*) FILTER (WHERE wait_event_type IS DISTINCT FROM}
            . q{ 'Lock'), count(*) FILTER (WHERE wait_event_type = 'Lock')}
            . q{ FROM pg_stat_activity WHERE application_name LIKE 'busy %'});
        @done = grep { IO::Select->new($_)->can_read(0) } values %pipes;
        last if $busy == 0 && $waiting + @done == keys %pipes;
        select undef, undef, undef, 0.02;
    }
    MagasinTest::release($held, 'COMMIT');

    my $text = do { local (@ARGV, $/) = $file; <> };
    isnt($waiting, 0, "$name: writes wait for it")
        if $text =~ /LOCK TABLE[^;]*\bstock_local\b/;

    for my $write (sort keys %writes) {
        my $pipe = $pipes{$write};
        my $got  = do { local $/; <$pipe> } // '';
        close $pipe;
        chomp $got;
        is($got, $writes{$write}[1], "$name: $write");
    }
    is(MagasinTest::sql('SELECT * FROM cumul_ecarts()',
            'SELECT * FROM compte_ecarts()', 'SELECT * FROM retenu_ecarts()'),
        '', "$name: what there is is right");

    MagasinTest::reset();
    allowed($name);

    # It is known from now on, as migrate.sh knows it.
    my $sum = qx(sha256sum <$file) =~ /(\w+)/ ? $1 : die;
    MagasinTest::sql('INSERT INTO schema_migration (version, name, sha256)'
            . ' VALUES (' . number($file) . ", '$name.sql', '$sum')");
    copy($file, "$tree/sql/schema/");
}

migrate('nothing is left to do');
index_locks('and so do the others');

$ENV{TEST_NGINX_ADMIN_DATABASE} =~ s/\bdbname=\S+/dbname=magasin/;
MagasinTest::psql('-c', "DROP DATABASE $other",
    map { ('-c', "DROP ROLE $_") } @roles);
