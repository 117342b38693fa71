# What the database does wrong by itself: a sequence behind its rows, an id of
# the journal that is there twice, and a collation with another version than its
# indexes.  None is a client's fault.

use strict;
use warnings;

use lib 't/inc';
use HTTP::Tiny;
use JSON::PP qw(decode_json);
use Test::More;
use MagasinNginx;
use MagasinTest;

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};

my $client = HTTP::Tiny->new(timeout => 20, proxy => undef,
    http_proxy => undef);

END {
    my $status = $?;
    MagasinTest::sql('UPDATE pg_collation'
            . ' SET collversion = pg_collation_actual_version(oid)'
            . " WHERE collname = 'magasin_fr'")
        if $ENV{TEST_NGINX_RUN_DIR};
    $? = $status;
}

# run(SCRIPT...): exit status and output
sub run {
    my (@command) = @_;
    local $ENV{DATABASE} = MagasinTest::admin();
    my $pid = open(my $pipe, '-|') // die "fork: $!\n";
    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        { no warnings 'exec'; exec @command }
        require POSIX;
        POSIX::_exit(127);
    }
    my $text = do { local $/; <$pipe> };
    close $pipe;
    return ($? >> 8, $text // '');
}

my $check   = "$MagasinTest::Top/scripts/check.sh";
my $migrate = "$MagasinTest::Top/scripts/migrate.sh";

# Each constraint is a rule of the API, or it is not, in sqlstate.c.
{
    my $source = MagasinNginx::slurp("$MagasinTest::Top/ngx_http_magasin_module"
            . '/postgresql/ngx_http_magasin_sqlstate.c');
    my ($list) = $source =~ /sqlstate_rules\[\] = \{(.*?)NULL/s;
    my %rules = map { $_ => 1 } $list =~ /"(\w+)"/g;

    # Values that no request says, and ids that the database makes.
    my %own = map { $_ => 1 } qw(comptage_cloture_datee
        comptage_date_ouverture_lisible comptage_ligne_comptage_id_fkey
        comptage_ligne_comptee_ou_oubliee comptage_statut_connu
        demande_reapprovisionnement_statut_connu
        demande_reapprovisionnement_date_demande_lisible fenetre_seule_check
        journal_partie_check journal_vie_vie_check ligne_vente_vente_id_fkey
        produit_code_role produit_quantite_stock_positive
        reception_annulation_datee reception_date_reception_lisible
        reception_ligne_reception_id_fkey reception_statut_connu
        reservation_cloture_datee reservation_dates_lisibles
        reservation_ligne_etat_connu reservation_ligne_prix_unitaire_positif
        reservation_statut_connu reservation_vente_reclamee
        stock_local_retenu_positif
        retour_date_retour_lisible retour_ligne_ligne_id_fkey
        retour_ligne_prix_unitaire_positif retour_ligne_retour_id_fkey
        retour_magasin_id_fkey retour_total_positif retour_vente_id_fkey
        stock_histoire_seule_check
        transfert_cloture_datee transfert_date_depart_lisible
        transfert_ligne_recue_ou_en_transit transfert_ligne_transfert_id_fkey
        transfert_statut_connu vente_date_vente_lisible
        vente_periode_seule_check);

    my @constraints = split /\n/, MagasinTest::sql(<<'SQL');
SELECT conname FROM pg_constraint
 WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
 UNION SELECT regexp_replace(pg_get_triggerdef(oid),
              '.*reference_quittee\(''(\w+)'', ''(\w+)''\)', '\1_\2_fkey')
         FROM pg_trigger WHERE tgname LIKE 'reference_quittee%'
 UNION SELECT 'produit_description_longueur' ORDER BY 1
SQL
    my %there = map { $_ => 1 } @constraints;
    is(join(' ', grep { !$there{$_} } sort keys %rules), '',
        'each rule in sqlstate.c is a constraint');
    is(join(' ', grep { !$rules{$_} && !$own{$_} && !/_pkey$/ } @constraints), '',
        'each constraint is a rule in sqlstate.c, or the own matter of the'
            . ' database (here)');
}

# A sequence behind rows that were inserted with their ids.
{
    MagasinTest::reset(
        'INSERT INTO vente (id, magasin_id, total) SELECT n, 1, 1'
            . ' FROM generate_series(5000, 5002) n',
        "SELECT setval('vente_id_seq', 5000, false)",
        "INSERT INTO produit (id, nom, categorie, prix) VALUES (7000, 'a', 'b', 1)",
        "SELECT setval('produit_id_seq', 6999)");
    my $nginx = MagasinNginx->start(workers => 1);
    my $url   = "http://127.0.0.1:$nginx->{port}/api/v1";
    my $sell  = sub {
        return $client->post("$url/sales/", {
            headers => {
                Authorization  => 'Token token-430',
                'Content-Type' => 'application/json',
            },
            content => '{"magasin":1,"lignes":[{"produit":4,"quantite":1}]}',
        });
    };

    my $answer = $sell->();
    is($answer->{status}, 500, 'a sale whose id is taken is no conflict');
    is($answer->{content}, '{"detail":"Erreur interne du serveur."}', '  the body');
    like($nginx->log, qr/\[error\].*"sale_create" failed with SQLSTATE 23505:.*"vente_pkey"/,
        '  and the log says which sequence');

    my ($status, $said) = run($check, 'doctor');
    is($status, 0, 'make doctor') or diag $said;
    like($said, qr/^vente: the sequence gave 500\d, and gives 5003 now$/m,
        '  puts the sequence right');
    like($said, qr/^produit: the sequence gave 7000, and gives 7001 now$/m,
        '  and that of products');
    is($sell->()->{status}, 201, '  and sales go on');
    ($status, $said) = run($check, 'doctor');
    is($said, "doctor: sequences and collations are as they should be.\n",
        '  once');

    MagasinTest::sql("SELECT setval('vente_id_seq', 100)");
    ($status, $said) = run($migrate, MagasinTest::admin());
    is($status, 0, 'a migration') or diag $said;
    like($said, qr/^migrate: vente: the sequence gave 101, and gives 50\d\d now$/m,
        '  does the same');

    # The highest id that there can be has none after it.
    MagasinTest::sql('INSERT INTO vente (id, magasin_id, total)'
        . ' VALUES (9223372036854775807, 1, 1)');
    ($status, $said) = run($migrate, MagasinTest::admin());
    is($status, 0, 'a migration beside the highest id') or diag $said;
    is($sell->()->{status}, 201, '  and sales go on');
    MagasinTest::sql(q{SELECT setval('vente_id_seq', 9223372036854775807)});
    ($status, $said) = run($migrate, MagasinTest::admin());
    is($status, 0, 'a migration beside a sequence at its end') or diag $said;

    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}

# An id of the journal that is there twice: the key is (xid, id).
{
    MagasinTest::reset(
        'INSERT INTO journal (xid, id) OVERRIDING SYSTEM VALUE'
            . " SELECT x::text::xid8, i FROM (VALUES (1, 9070), (2, 9070), (3, 9070),"
            . ' (1, 9069), (2, 9071), (3, 9071)) v (x, i)');
    my ($status, $said) = run($check, 'doctor');
    is($status, 1, 'make doctor: an id of the journal');
    like($said, qr/^journal: the id 9070 is there 3 times\njournal: the id 9071 is there 2 times\ndoctor:/m,
        '  says which') or diag $said;
    MagasinTest::reset();
    ($status, $said) = run($check, 'doctor');
    is($status, 0, '  and nothing where there is none') or diag $said;
    like($said, qr/^doctor: .* as they should be\.\n\z/, '  in one line');
}

# A collation with another version.
{
    MagasinTest::reset(
        "UPDATE pg_collation SET collversion = '1.0' WHERE collname = 'magasin_fr'");
    my $nginx = MagasinNginx->start(workers => 2,
        http => 'magasin_zone doctor:4m;', server => 'location = /metrics { magasin_metrics; }');
    my $ready = sub { return $client->get("http://127.0.0.1:$nginx->{port}/readyz") };
    my $metric = sub {
        my $text = $client->get("http://127.0.0.1:$nginx->{port}/metrics")->{content};
        return $text =~ /^magasin_postgresql_collations_outdated (\d+)$/m ? $1 : "none";
    };

    ok(MagasinNginx::wait_for(sub {
        my $answer = $ready->();
        return $answer->{status} == 200
            && decode_json($answer->{content})->{collations} eq 'outdated';
    }), '/readyz tells of it, and is 200');
    ok(MagasinNginx::wait_for(sub { $metric->() eq '1' }), 'a metric');
    ok(MagasinNginx::wait_for(sub {
        $nginx->log =~ /\[warn\].*another version of magasin_fr than its indexes/
    }), 'a line of the log');

    my ($status, $said) = run($check, 'doctor');
    is($status, 1, 'make doctor');
    my ($steps) = $said =~ /\A(.*;\n)doctor:/s;
    my @steps = split /\n/, $steps // '';
    is(pop @steps, 'ALTER COLLATION public.magasin_fr REFRESH VERSION;',
        '  prints what has to be done last');
    ok(scalar(grep { $_ eq 'REINDEX INDEX CONCURRENTLY produit_nom;' } @steps),
        '  and before');
    is(scalar(grep { !/^REINDEX INDEX CONCURRENTLY \w+;$/ } @steps), 0,
        '  no more');
    MagasinTest::psql('-c', $_) for split /\n/, $steps // '';
    ($status, $said) = run($check, 'doctor');
    is($status, 0, '  and that does it') or diag $said;
    ok($nginx->stop, 'a graceful stop');
    is(scalar(() = $nginx->log =~ /another version of/g), 1, 'one line only');

    $nginx = MagasinNginx->start(workers => 1,
        http => 'magasin_zone doctor:4m;', server => 'location = /metrics { magasin_metrics; }');
    is(decode_json($ready->()->{content})->{collations}, 'ok', 'all is well again');
    is($metric->(), '0', '  in the metric too');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}

MagasinTest::reset();
done_testing();
