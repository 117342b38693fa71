# Functions that keep their plans: what a write asks for is not planned anew in
# each call.  A function of LANGUAGE sql that is not made part of the expression
# that calls it has no plan that outlives the transaction.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use MagasinTest;

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

# Those of LANGUAGE sql that may be called nevertheless, and why.
my %Sql = (
    demande_decider     => 'another name of a function of PL/pgSQL',
    recherche           => 'the expression of an index, of names that change',
    repondre            => 'of constants, once, when a plan is made',
    reservation_creer   => 'called by suites alone',
    seuil_ordre_inverse => 'a constant, once, when a plan is made',
);

# Writes that the web tier may call and that are not called here, and why.
my %Elsewhere = (
    entretien    => 'the maintenance',
    lot_ouvrir   => 'a list of many rows, each part of which has its plans',
    lot_recevoir => 'a list of many rows, each part of which has its plans',
    produits_lot => 'a list of many rows, each part of which has its plans',
    stock_lot    => 'a list of many rows, each part of which has its plans',
);

sub last_of { return "(SELECT max(id) FROM $_[0])" }

my $count    = last_of('comptage');
my $receipt  = last_of('reception');
my $request  = last_of('demande_reapprovisionnement');
my $sale     = last_of('vente');
my $transfer = last_of('transfert');
my $all      = "'stock,reapprovisionnement'";

# lot(GENRE, MEMBER => VALUE): the arguments of a batch of one.
sub lot {
    my ($kind, %value) = @_;
    my @members = qw(cle empreinte magasin condition attendu motif numero produit
        quantite compte prix nom categorie description archive);
    return join ', ', "'{$kind}'", q('{a}'),
        (map { $value{$_} // ($_ eq 'numero' ? q('{1}') : q('{NULL}')) }
            @members), 'false';
}

my @Sale = (magasin => q('{1}'), produit => q('{4}'), quantite => q('{1}'));
my $held = last_of('reservation');

my @Writes = (
    q{reception_creer(1, 'F', 'B', '{4}', '{9}', '{NULL}', 'a', 'k1', 'e')},
    q{reception_creer(NULL, 'F', 'B', '{4}', '{9}', '{2}', 'a', NULL, NULL)},
    "reception_annuler($receipt, NULL, $all, NULL, 'a', NULL, NULL)",
    q{central_ajuster(4, 9, NULL, NULL, NULL, NULL, 'a', NULL, NULL, NULL)},
    q{transfert_creer(1, 2, '{4}', '{1}', NULL, 'a', 'k2', 'e')},
    "transfert_recevoir($transfer, '{4}', '{1}', NULL, $all, NULL, 'a',"
        . ' NULL, NULL)',
    q{transfert_creer(1, NULL, '{4}', '{1}', NULL, 'a', NULL, NULL)},
    "transfert_annuler($transfer, NULL, $all, NULL, 'a', NULL, NULL)",
    q{vente_creer(1, '{4}', '{1}', '{NULL}', 'a', NULL, NULL)},
    "retour_creer($sale, '{4}', '{1}', NULL, true, NULL, 'a', 'k3', 'e')",
    'lot_ecrire(' . lot('vente', @Sale) . ')',
    'lot_ecrire(' . lot('vente', @Sale, prix => q('{2}'),
        condition => q('{2.00}')) . ')',
    'lot_ecrire(' . lot('vente', @Sale, archive => q('{true}')) . ')',
    'lot_seul(' . lot('reservation', @Sale, attendu => q('{900}')) . ')',
    'lot_seul(' . lot('reclamation', produit => "ARRAY[$held]") . ')',
    q{reservation_creer(1, '{4}', '{1}', 900, NULL, 'a')},
    "reservation_rendre($held, NULL, 'a', NULL, NULL)",
    q{stock_ajuster(1, 4, 1, NULL, NULL, NULL, NULL, 'a', NULL, NULL)},
    q{stock_ajuster_sauf(1, 4, 1, NULL, NULL, NULL, NULL, 'a', NULL, NULL,}
        . ' NULL)',
    q{comptage_ouvrir(1, NULL, '{4}', false, NULL, 'a', NULL, NULL)},
    "comptage_compter($count, '{4}', '{3}', '{false}', NULL, 'a', NULL, NULL)",
    "comptage_clore($count, true, NULL, NULL, 'a', NULL, NULL)",
    q{comptage_ouvrir(NULL, NULL, NULL, false, NULL, 'a', NULL, NULL)},
    "comptage_annuler($count, NULL, NULL, 'a', NULL, NULL)",
    q{seuil_poser(1, 4, 5, 9, NULL, NULL, 'a')},
    q{seuils_poser(1, '{NULL}', '{99}', '{200}', NULL, NULL, 'a')},
    q{besoins_demander(1, '{4}', '{2}', 'a', NULL, NULL)},
    "demandes_decider(ARRAY[$request], '{}', NULL, 'a', NULL, NULL)",
    q{demande_creer(1, 5, 1, 'a', NULL, NULL)},
    "demande_modifier($request, 2, NULL, NULL, NULL, NULL, 'a')",
    "demande_annuler($request, NULL, NULL, 'a', NULL, NULL)",
    q{demande_creer(1, 5, 1, 'a', NULL, NULL)},
    "demande_decider($request, false, 1, 'a', NULL, NULL)",
    q{demande_creer(1, 5, 1, 'a', NULL, NULL)},
    "demande_decider($request, false, 'a', NULL, NULL)",
    q{produit_creer('N', 'C', 1, NULL, 'a', NULL, NULL)},
    q{produit_creer_code('N', 'C', 1, NULL, 'X1', '{4006381333931}', 'a',}
        . ' NULL, NULL)',
    q{produit_changer(4, 'N2', NULL, 2, NULL, false, NULL, true, 'X2',}
        . q{ '{}', '*', NULL, 'a')},
    'produit_supprimer(' . last_of('produit') . q{, NULL, 'a')},
    'produit_supprimer_sauf(' . last_of('produit') . q{, NULL, 'a', NULL)},
    q{magasin_creer('M', 'A', NULL, NULL, 'a', NULL, NULL)},
    q{magasin_changer(1, NULL, 'B', NULL, NULL, NULL, NULL, 'a')},
);

# asked(STATEMENT...): what they return, a line each, in one transaction of a
# session of its own.
sub asked {
    return split /\n/, MagasinTest::psql('--single-transaction',
        map { ('-c', $_) } @_);
}

MagasinTest::reset(
    'UPDATE stock_local SET quantite = 100',
    'UPDATE produit SET archive_le = NULL',
    'UPDATE magasin SET ouvert = true');

my @statuses = asked("SET LOCAL track_functions = 'all'",
    (map {"SELECT coalesce(to_jsonb(f) -> 'r' ->> 'statut', to_jsonb(f) ->>"
        . " 'statut') FROM $_ f"} @Writes),
    q{SELECT proname || ' of ' || lanname
        FROM pg_stat_xact_user_functions f
        JOIN pg_proc p ON p.oid = f.funcid
        JOIN pg_language l ON l.oid = p.prolang
       WHERE f.calls > 0},
);
my (%called, %sql);
for (splice @statuses, @Writes) {
    my ($name, $language) = /^(\w+) of (\w+)$/;
    $called{$name} = 1;
    $sql{$name} = 1 if $language eq 'sql';
}

is_deeply([ map {"$Writes[$_]: $statuses[$_]"} grep { $statuses[$_] !~ /^20/ }
    0 .. $#Writes ], [], 'all writes are done');

is(join(' ', sort grep { !$Sql{$_} } keys %sql), '',
    'and call no function without a plan that is kept');
is(join(' ', sort grep { !$sql{$_} } keys %Sql), '',
    'but for those that are told of');

is_deeply([ grep { !$called{$_} && !$Elsewhere{$_} } asked(
    q{SELECT DISTINCT proname FROM pg_proc
       WHERE pronamespace = 'public'::regnamespace AND prosecdef
         AND provolatile = 'v'
         AND has_function_privilege('magasin_web', oid, 'EXECUTE')
       ORDER BY 1}) ], [], 'every write of the web tier is called here');

# Nothing that is in the way is NULL, and no row of five NULLs.
my $q = q{ROW('{4}', '{1}')::quantites};
my $doc = 'FROM comptage d WHERE id = ' . $count;
MagasinTest::reset(q{SELECT comptage_ouvrir(1, NULL, '{4}', false, NULL, 'a',}
    . ' NULL, NULL)', 'UPDATE stock_local SET quantite = 100');
is_deeply([ asked(map {
    "SELECT coalesce($_, ROW(0, NULL, NULL, NULL, NULL)::reponse) $doc" }
        'lieu_ferme(1)', 'lieu_ferme(NULL)', q{lignes_inconnues('{4}')},
        'lignes_inconnues(NULL)', q{lignes_archivees('{4}')},
        "stock_deborde(1, $q)", "stock_deborde(NULL, $q)",
        "stock_manque(1, $q)", q{transfert_etrangers(1, '{}')},
        'transfert_etrangers(1, NULL)', q{retour_refus(1, '({},{})')},
        q{comptage_etrangers(d, '{4}')}, q{comptage_ailleurs(d, '{4}')},
        "comptage_impossible(d, $q)") ], [ ('(0,,,,)') x 14 ],
    'what has nothing to say is NULL');
is_deeply([ asked(map {"SELECT $_ $doc"}
        "lignes_reunir('{}', '{}')", 'lignes_reunir(NULL, NULL)',
        "lignes_reunir('{5,4,5}', '{1,2,3}')", 'comptage_ecarts(d.id, 1)',
        'lieu_inconnu(NULL)', 'lieu_inconnu(1)', 'lieu_inconnu(99)',
        'retenu_vivant(1, 4, 0)', 'retenu_vivant(1, 4, 3)',
        "coalesce(retenu_vivant(1, 4, NULL)::text, 'null')",
        "coalesce(retenu_validite(1, 4, 0)::text, 'null')",
        "coalesce(reservation_etat(NULL), 'null')",
        "coalesce(code_produit(NULL)::text, 'null')", q{gtin('4006381333931')},
        q{gtin('4006381333932')}, q{code_cle('4006381333931')},
        q{code_cle('X')}) ],
    [ '(,)', '(,)', '("{4,5}","{2,4}")', '(,)', 'f', 'f', 't', '0', '3',
        ('null') x 4, 't', 'f', '04006381333931', 'X' ],
    'and the others say what they said');

# As pg_restore puts rows: a column is made of the code.
is((asked('SET LOCAL search_path = pg_catalog', 'INSERT INTO'
        . ' public.produit_code (code, produit_id, rang) VALUES'
        . " ('4006381333931', 4, 1)",
    'SELECT cle FROM public.produit_code WHERE produit_id = 4'))[-1],
    '04006381333931', 'codes without a search_path');

MagasinTest::reset();
done_testing();
