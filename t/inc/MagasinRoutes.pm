package MagasinRoutes;

# The endpoints of the module, which t/openapi/table.py reads from the sources,
# for the suites that test each of them.

use strict;
use warnings;

use JSON::PP qw(decode_json);

use MagasinTest;

# The fixture has no replenishment request, no receipt, no transfer and no
# reservation or stock-take.  These statements insert one of each, of store 1,
# and a transfer that comes to it and one that leaves it.
our @Rows = (
    'INSERT INTO demande_reapprovisionnement (id, magasin_id, produit_id,'
        . ' quantite) VALUES (1, 1, 4, 5)',
    "SELECT setval('demande_reapprovisionnement_id_seq', 1)",
    "INSERT INTO reception (id, magasin_id, fournisseur, reference)"
        . " VALUES (1, 1, 'Torréfacteur', 'BL-1')",
    'INSERT INTO reception_ligne (reception_id, produit_id, quantite)'
        . ' VALUES (1, 4, 2)',
    "SELECT setval('reception_id_seq', 1)",
    'INSERT INTO transfert (id, magasin_id, vers_id)'
        . ' VALUES (1, NULL, 1), (2, 1, NULL)',
    'INSERT INTO transfert_ligne (transfert_id, produit_id, vers_id, quantite)'
        . ' VALUES (1, 4, 1, 2), (2, 4, NULL, 3)',
    "SELECT setval('transfert_id_seq', 2)",
    'INSERT INTO reservation (id, magasin_id, expire_le, total)'
        . " VALUES (1, 1, now() + interval '1 day', 18.50)",
    'INSERT INTO reservation_ligne (reservation_id, produit_id, magasin_id,'
        . ' expire_le, quantite, prix_unitaire) SELECT id, 5, 1, expire_le, 1,'
        . ' 18.50 FROM reservation',
    'UPDATE stock_local SET retenu = 1 WHERE magasin_id = 1 AND produit_id = 5',
    "SELECT setval('reservation_id_seq', 1)",
    'INSERT INTO comptage (id, magasin_id) VALUES (1, 1)',
    'INSERT INTO comptage_ligne (comptage_id, produit_id, magasin_id, compte,'
        . ' present) VALUES (1, 4, 1, 29, 30)',
    "SELECT setval('comptage_id_seq', 1)",
);

my @Order = qw(GET POST PUT PATCH DELETE);

# Returns hashes of name, method, path, scope, place, open, live, table,
# extra and tags, sorted by path and method.
sub endpoints {
    our $endpoints;
    $endpoints //= do {
        my $script = "$MagasinTest::Top/t/openapi/table.py";
        open my $pipe, '-|', 'python3', '-B', $script
            or die "$script: $!\n";
        my $text = do { local $/; <$pipe> };
        close $pipe or die "$script failed\n";
        [ sort {
            $a->{path} cmp $b->{path} || $a->{method} cmp $b->{method}
        } @{ decode_json($text) } ];
    };
    return @$endpoints;
}

# The reads that need no token and whose answer has an end; t/stream.t is about
# those that have none.
sub reads {
    return grep {
        $_->{method} eq 'GET' && !defined $_->{scope} && !$_->{live}
    } endpoints();
}

# The reads whose answers are cached.
sub cached {
    return grep { @{ $_->{tags} } } reads();
}

# The paths, without duplicates, with their ids in braces.
sub paths {
    my %seen;
    return grep { !$seen{$_}++ } map { $_->{path} } endpoints();
}

# The methods of a path.  Those of "extra" rows are included only on demand.
sub methods {
    my ($path, $extra) = @_;
    my %has = map { $_->{method} => 1 }
        grep { $_->{path} eq $path && ($extra || !$_->{extra}) } endpoints();
    return grep { $has{$_} } @Order;
}

# The value of the header Allow for a path.
sub allow {
    my ($path, $extra) = @_;
    my @methods = methods($path, $extra);
    return join ', ', @methods, (grep { $_ eq 'GET' } @methods) ? 'HEAD' : (),
        'OPTIONS';
}

# fill(PATH, NAME => ID, ...): the path with ids.  The default ids are of rows
# that exist after reset(@Rows).
sub fill {
    my ($path, %ids) = @_;
    %ids = (id => 1, produit => 1, %ids);
    $path =~ s/\{(\w+)\}/$ids{$1} \/\/ die "no id for {$1} of $path\n"/ge;
    return $path;
}

# missing([PATH...], ENDPOINT...): the names of the endpoints whose path is not
# in the list.  The listed paths contain ids and may have a query.
sub missing {
    my ($paths, @endpoints) = @_;
    my @missing;

    for my $endpoint (@endpoints) {
        my $pattern = join '\d+',
            map {quotemeta} split /\{\w+\}/, $endpoint->{path}, -1;
        push @missing, $endpoint->{name}
            if !grep {/\A$pattern(?:\?|\z)/} @$paths;
    }
    return @missing;
}

1;
