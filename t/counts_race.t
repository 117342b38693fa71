# A close that sets to 0 what nobody has counted, while another stock-take counts
# it.  Sessions of psql hold the locks, and each step waits for a state of them.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use MagasinTest;
use MagasinNginx;

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

# start(NAME, STATEMENT): a session that runs it by itself, and may have to wait.
sub start {
    my ($name, $statement) = @_;
    my $pid = open(my $pipe, '|-') // die "fork: $!\n";
    if ($pid == 0) {
        open STDOUT, '>', '/dev/null';
        { no warnings 'exec'; exec qw(psql -X -q -d), MagasinTest::admin() }
        require POSIX;
        POSIX::_exit(127);
    }
    my $old = select $pipe;
    $| = 1;
    select $old;
    print {$pipe} "SET application_name = '$name';\n$statement;\n\\q\n";
    return $pipe;
}

# waits(NAME): the session waits for a lock.
sub waits {
    my ($name) = @_;
    return ok(MagasinNginx::wait_for(sub {
        MagasinTest::sql('SELECT count(*) FROM pg_stat_activity a WHERE'
            . " application_name = '$name' AND EXISTS (SELECT FROM pg_locks l"
            . ' WHERE l.pid = a.pid AND NOT l.granted)') eq '1'
    }), "$name waits");
}

sub stock {
    return MagasinTest::sql('SELECT quantite FROM stock_local'
        . ' WHERE magasin_id = 1 AND produit_id = 4');
}

sub counted {
    my ($count, $quantity) = @_;
    return "SELECT comptage_compter($count, '{4}', '{$quantity}', '{false}',"
        . " NULL, 'b', NULL, NULL)";
}

sub closed {
    my ($count, $zero) = @_;
    return "SELECT comptage_clore($count, $zero, NULL, NULL, 'a', NULL, NULL)";
}

# Store 1 has 30 units of product 4; count 1 has nothing, and nor has count 2.
sub begin {
    MagasinTest::reset('INSERT INTO comptage (id, magasin_id) VALUES (1, 1), (2, 1)');
    is(stock(), 30, 'the record says 30');
    return;
}

# The close has looked for what nobody has counted, and waits for the row.
# Meanwhile somebody counts it: 27.
sub counted_while_it_waits {
    begin();
    my $row = MagasinTest::hold('SELECT FROM stock_local WHERE magasin_id = 1'
        . ' AND produit_id = 4 FOR UPDATE');
    my $close = start('close', closed(1, 'true'));
    waits('close');
    MagasinTest::sql(counted(2, 27));
    MagasinTest::release($row);
    close $close;
    is(MagasinTest::sql('SELECT statut FROM comptage WHERE id = 1'), 'clos',
        'the first one is closed');
    my $between = stock();
    MagasinTest::sql(closed(2, 'false'));
    return "$between " . stock();
}

# The close has written, and is not committed, while somebody counts: 35.
sub counted_while_it_commits {
    begin();
    my $close = MagasinTest::hold(closed(1, 'true'));
    my $count = start('count', counted(2, 35));
    waits('count');
    MagasinTest::release($close, 'COMMIT');
    close $count;
    my $between = stock();
    MagasinTest::sql(closed(2, 'false'));
    return "$between " . stock();
}

# planted(FUNCTION, OLD, NEW, TEST): what the test finds with this change.
sub planted {
    my ($function, $old, $new, $test) = @_;
    my $definition = MagasinTest::sql('SELECT pg_get_functiondef(oid) FROM pg_proc'
        . " WHERE proname = '$function'");
    my $changed = $definition =~ s/$old/$new/r;
    isnt($changed, $definition, "planted: $function is another one");
    MagasinTest::sql($changed);
    my $found = $test->();
    MagasinTest::sql($definition);
    return $found;
}

is(counted_while_it_waits(), '30 27',
    'what another one has counted meanwhile is left to it');
is(counted_while_it_commits(), '0 35',
    'what is counted after the close counts from what the close has left');

isnt(planted('comptage_clore', qr/lieu, true, 0, s\.quantite, true/,
        'lieu, false, 0, s.quantite, true', \&counted_while_it_waits), '30 27',
    'planted: a close that does not look again overwrites the count');
isnt(planted('comptage_compter', qr/l\.present <> (?=\(SELECT)/,
        'false AND l.present <> ',
        \&counted_while_it_commits), '0 35',
    'planted: a count that does not look again has the stock of before');

MagasinTest::reset();
done_testing();
