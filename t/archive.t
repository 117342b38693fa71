# make archive-journal: old rows of the journal go to files, and what they say
# of the stock stays.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use File::Temp qw(tempdir);
use IO::Select;
use MagasinTest;
use MagasinNginx;

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};

my $directory = tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
$ENV{DATABASE} = MagasinTest::admin();
$ENV{ARCHIVE}  = $directory;

sub run {
    my (@command) = @_;
    open my $pipe, '-|', 'bash', '-c', 'exec "$@" 2>&1', 'bash', @command
        or die "bash: $!\n";
    my $output = do { local $/; <$pipe> } // '';
    close $pipe;
    return ($? >> 8, $output);
}

sub archive { return run('scripts/archive_journal.sh', @_) }

sub ledger {
    my ($name) = @_;
    my ($status, $output) = run(qw(scripts/check.sh ledger));
    is($status, 0, "$name: the ledger is right") or diag($output);
    return;
}

# Give the partition that is written to an end here, and the next one its rest.
sub close_partition {
    return MagasinTest::sql(q{DO $$
        DECLARE
            ici      xid8 := journal_place(journal_vie(),
                                 pg_snapshot_xmax(pg_current_snapshot()));
            p        journal_partie;
            suivant  journal_partie;
        BEGIN
            LOCK TABLE entretien_tour IN EXCLUSIVE MODE;
            SELECT * INTO p FROM journal_partie
             WHERE debut <= ici AND fin > ici;
            SELECT * INTO suivant FROM journal_partie WHERE debut = p.fin;
            EXECUTE format('ALTER TABLE journal DETACH PARTITION journal_%s',
                           p.numero);
            EXECUTE format('ALTER TABLE journal DETACH PARTITION journal_%s',
                           suivant.numero);
            EXECUTE format('ALTER TABLE journal ATTACH PARTITION journal_%s'
                           ' FOR VALUES FROM (%L) TO (%L)', p.numero, p.debut,
                           ici);
            EXECUTE format('ALTER TABLE journal ATTACH PARTITION journal_%s'
                           ' FOR VALUES FROM (%L) TO (%s)', suivant.numero,
                           ici, coalesce(quote_literal(suivant.fin),
                                         'MAXVALUE'));
            UPDATE journal_partie SET fin = ici WHERE numero = p.numero;
            UPDATE journal_partie SET debut = ici
             WHERE numero = suivant.numero;
        END $$});
}

sub date_rows {
    my ($instant) = @_;
    return MagasinTest::sql("SET LOCAL magasin.entretien = 'oui'",
        "UPDATE journal SET instant = '$instant' WHERE instant > now()"
            . " - interval '1 hour'");
}

sub parts {
    return MagasinTest::sql("SELECT string_agg(numero::text, ' '"
            . ' ORDER BY numero) FROM journal_partie');
}

sub page {
    my ($nginx, $path) = @_;
    my ($status, $answer) = $nginx->get($path);
    my ($next) = $answer =~ m{"next":"http://localhost([^"]+)"};
    return ($status, $next, join ' ', $answer =~ /\{"id":(\d+),"instant"/g);
}

# Partitions of an earlier run, which have no rows.
MagasinTest::reset();
archive('2000-01-01');

# What a partition has while it is written to is not archived.
MagasinTest::sql("UPDATE stock_local SET quantite = $_ WHERE id = 3")
    for 50 .. 59;
MagasinTest::sql('UPDATE stock_local SET quantite = 0 WHERE id = 4',
    'DELETE FROM stock_local WHERE id = 5');
MagasinTest::sql(q{UPDATE produit SET nom = E'a\n"b", é' WHERE id = 3});
ledger('before');
my $rows = MagasinTest::sql('SELECT count(*) FROM journal');

my ($status, $output) = archive();
is($status, 1, 'without an instant: refused');
like($output, qr/BEFORE is missing/, 'and why');

date_rows('2025-03-04 05:06:07+00');
MagasinTest::sql("UPDATE stock_histoire SET debut = '2025-01-01'");
($status, $output) = archive('2026-01-01');
is($status, 0, 'the partition in use') or diag($output);
is(MagasinTest::sql('SELECT count(*) FROM journal'), $rows, 'is kept');

close_partition();
MagasinTest::sql('UPDATE stock_local SET quantite = 60 WHERE id = 3');
ledger('closed');

my $nginx = MagasinNginx->start(workers => 1);
my ($code, $old) = page($nginx, '/api/v1/journal/?limit=4');
my $newest = (page($nginx, '/api/v1/journal/?ordering=-id&limit=1'))[1];
($code, my $end) = page($nginx,
    '/api/v1/journal/?limit=1&depuis=2026-01-01');

($status, $output) = archive('2025-03-04');
is($status, 0, 'older than its rows') or diag($output);
like($output, qr/no partition has only rows/, 'nothing to do');
my $before = parts();

# A file that is not what the partition has drops nothing.
my ($first) = $before =~ /^(\d+)/;
($status, $output) = run('bash', '-c', "echo xid | psql -X -q"
    . " -v ON_ERROR_STOP=1 --single-transaction -d '$ENV{DATABASE}'"
    . " -v numero=$first -f sql/archive_journal.sql");
isnt($status, 0, 'another file is refused');
like(parts(), qr/^$first\ /, 'and the partition is there');

($status, $output) = archive('2026-01-01');
is($status, 0, 'archived') or diag($output);
like($output, qr/the journal and the stock agree/, 'and compared');
my ($file) = glob "$directory/journal-$first-2025-03-04-2025-03-04.csv.gz";
ok($file, 'a file');
is((run('bash', '-c', "cd '$directory' && sha256sum -c *.sha256"))[0], 0,
    'with its digest');
like((run('gzip', '-dc', $file))[1], qr/\Axid,id,instant,type,magasin_id,
    produit_id,delta,quantite,acteur,reference,motif,details\n
    (?s:.*)a\\n\\"/x, 'and its rows');
unlike(parts(), qr/^$first\ /, 'the partition is gone');
ledger('archived');
is(MagasinTest::sql("SELECT count(*) = (SELECT count(*) FROM stock_local)
        + (SELECT count(*) FROM stock_central
        WHERE quantite > 0) FROM journal WHERE type = 'ouverture'"), 't',
    'an opening row for each place and product');
is(MagasinTest::sql("SELECT quantite, motif FROM journal WHERE xid = '0'
    AND (magasin_id, produit_id) = (SELECT magasin_id, produit_id
                                      FROM stock_local WHERE id = 3)"),
    '59|archive', 'with what there was');

# The stock as of an instant: what the archive has is history no more.
sub stock_at {
    my ($instant) = @_;
    return MagasinTest::sql("SELECT coalesce(string_agg(produit || ':'"
        . " || quantite, ' ' ORDER BY produit), 'gone')"
        . " FROM stock_au(1, '$instant', 0, 100, NULL)");
}
sub stock_now {
    return MagasinTest::sql("SELECT string_agg(produit_id || ':' || quantite,"
        . " ' ' ORDER BY produit_id) FROM stock_local WHERE magasin_id = 1");
}
is(stock_at('2025-03-04 00:00:00Z'), 'gone', 'the stock of before is gone');
is(stock_at('2025-03-05 00:00:00Z'), stock_now() =~ s/\b3:60\b/3:59/r,
    'that of after is there, but for what came later');
is(stock_at('now'), stock_now(), 'and that of now');
like(stock_now(), qr/\b4:0\b/, 'also of what there was nothing');
($code) = page($nginx, $old);
is($code, 410, 'a reader in the archived rows is told');
MagasinTest::sql('UPDATE stock_local SET quantite = 61 WHERE id = 3');
($code, undef, my $ids) = page($nginx, $end);
is($code, 200, 'one behind them goes on');
like($ids, qr/^\d+$/, 'with the new row');
($code) = page($nginx, '/api/v1/journal/?limit=4');
is($code, 200, 'and one who begins begins with the opening rows');

# Again: the opening rows are those of both.
my @before = glob "$directory/*.sha256";
date_rows('2025-04-04 05:06:07+00');
close_partition();
my $name = MagasinTest::sql('SELECT current_database()');
MagasinTest::sql("ALTER DATABASE $name SET magasin.journal_retention = '100 days'");
($status, $output) = archive();
MagasinTest::sql("ALTER DATABASE $name RESET magasin.journal_retention");
is($status, 0, 'by the retention') or diag($output);
my @after = glob "$directory/*.sha256";
is(@after, @before + 1, 'another file');
ledger('again');
is(MagasinTest::sql("SELECT count(*) FROM journal WHERE xid <> '0'"), 0,
    'opening rows alone');
is(MagasinTest::sql("SELECT quantite FROM journal
    WHERE (magasin_id, produit_id) = (SELECT magasin_id, produit_id
                                        FROM stock_local WHERE id = 3)"),
    61, 'with what there is');

# The maintenance adds partitions, since less than two are ahead.
is(MagasinTest::sql('SELECT entretien()', 'SELECT entretien()',
    'SELECT count(*) FILTER (WHERE debut > journal_place(journal_vie(),'
    . ' pg_snapshot_xmax(pg_current_snapshot()))) FROM journal_partie')
    =~ /(\d+)\z/ ? $1 : '', 2, 'two partitions are ahead');
MagasinTest::sql('UPDATE stock_local SET quantite = 62 WHERE id = 3');
ledger('further');

ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');

# The maintenance writes the first mark behind the archive, which has the sums
# of what moved since the one before: those of that one stay for the others.
sub mark {
    my ($number) = @_;
    return ("INSERT INTO stock_marque (numero, xid, id, instant)
        SELECT $number, xid, id, instant FROM journal
         ORDER BY xid DESC, id DESC LIMIT 1",
        "INSERT INTO stock_repere (magasin_id, produit_id, numero, quantite)
        SELECT magasin_id, produit_id, $number, sum(delta) FROM journal
         WHERE delta IS NOT NULL AND magasin_id IS NOT NULL
         GROUP BY magasin_id, produit_id
        HAVING bool_or((xid, id) > (SELECT coalesce(max(xid::text)::xid8, '0'),
                                           coalesce(max(id), 0)
                                      FROM stock_marque
                                     WHERE numero < $number))");
}

date_rows('2025-05-04 05:06:07+00');
MagasinTest::sql(mark(1));
close_partition();
MagasinTest::sql('UPDATE stock_local SET quantite = 63 WHERE id = 3');
is(stock_at('now'), stock_now(), 'the stock by a mark');
my $held = MagasinTest::hold('LOCK TABLE entretien_tour IN EXCLUSIVE MODE',
    mark(2));
my $pid = open(my $pipe, '-|') // die "fork: $!\n";
if ($pid == 0) {
    print join ' ', archive('2026-01-01');
    close STDOUT;
    require POSIX;
    POSIX::_exit(0);
}
MagasinNginx::wait_for(sub {
    IO::Select->new($pipe)->can_read(0) || MagasinTest::sql(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
}) or die "it neither waits nor ends\n";
MagasinTest::release($held, 'COMMIT');
like(do { local $/; <$pipe> } // '', qr/\A0 .*is in/s,
    'archived while a mark is written');
close $pipe;
is(stock_at('now'), stock_now(), 'and the stock is that of before');
ledger('with a mark');

# The suites after this one have partitions ahead of them.
for (1 .. 10) {
    last if MagasinTest::sql('SELECT entretien()') eq 'f';
}

MagasinTest::reset();
done_testing();
