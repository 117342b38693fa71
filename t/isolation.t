# What goes wrong in one place stays there: a configuration that is refused
# leaves the workers of the one in force as they were, and a row that somebody
# holds stops nobody but who wants that row.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use Time::HiRes qw(sleep time);
use MagasinTest;
use MagasinNginx;

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

my $product = '/api/v1/products/1/';

sub slurp { open my $file, '<', $_[0] or return ''; local $/; return <$file> }

# A refused configuration, and then a new worker

MagasinTest::reset();

{
    my $nginx = MagasinNginx->start(workers => 2,
        server => 'magasin_json_errors on; magasin_cors https://a.example;');
    my $options = "OPTIONS $product HTTP/1.1\r\nHost: localhost\r\n"
        . "Origin: https://a.example\r\nConnection: close\r\n\r\n";
    my @before  = $nginx->ask($options);
    my $conf    = slurp("$nginx->{root}/nginx.conf");

    # Read to its end, without our filters, and then refused.
    (my $bad = $conf) =~ s/magasin_(?:json_errors|cors)[^;]*;//g;
    open my $file, '>', "$nginx->{root}/nginx.conf" or die;
    print {$file} "$bad\nbogus;\n";
    close $file;
    kill 'HUP', $nginx->master;
    ok(MagasinNginx::wait_for(sub { $nginx->log =~ /"bogus"/ }),
        'the configuration is refused');

    ok($nginx->crash($nginx->workers)
        && MagasinNginx::wait_for(sub { $nginx->code('/readyz') == 200 }),
        'new workers are there');

    for (1 .. 4) {
        my @after = $nginx->ask($options);
        s/^Date:.*\r\n//m for $before[1], $after[1];
        is_deeply(\@after, \@before, 'and answer to the letter');
    }
    my ($status, $answer) = $nginx->get('/api/v1/%');
    is($status, 400, 'a malformed path');
    like($answer, qr/\r\n\r\n\{"detail":/, 'is JSON');
    like($answer, qr/^Vary: Origin\r$/m,   'for browsers too');

    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints('bogus|exited on signal 9'), '',
        'nothing else that is alarming in the log');
}

# A stock row that somebody holds

sub sale {
    my ($store) = @_;
    my $body = qq({"magasin":$store,"lignes":[{"produit":4,"quantite":1}]});
    return join "\r\n", 'POST /api/v1/sales/ HTTP/1.1', 'Host: localhost',
        'Authorization: Token token-430', 'Content-Type: application/json',
        'Content-Length: ' . length $body, '', $body;
}

{
    MagasinTest::reset();
    my $nginx = MagasinNginx->start(workers => 1,
        http     => 'magasin_zone isolation:2m; magasin_cache off;',
        server   => 'location = /metrics { magasin_metrics; }',
        database => 'connections=2 timeout=20s lock_timeout=3s');
    my $held = MagasinTest::hold(
        'SELECT FROM stock_local WHERE magasin_id = 1 AND produit_id = 4'
            . ' FOR UPDATE');

    # One is sent and waits; the others come when that is known.
    my $first = $nginx->load(connections => 1, seconds => 0,
        requests => [ sale(1) ]);
    ok(MagasinNginx::wait_for(sub {
        ($nginx->get('/metrics'))[1]
            =~ /^magasin_http_requests_active\{method="POST"\} 1$/m;
    }), 'a sale is under way');
    my $load = $nginx->load(connections => 8, seconds => 0,
        requests => [ sale(1) ]);

    is(scalar(grep { $nginx->code($product, 15) == 200 } 1 .. 20), 20,
        'reads go on');

    is($first->finish->{503}, 1, 'the sale has its 503');
    is($load->finish->{503}, 8, 'and so have those that came after it');
    MagasinTest::release($held);
    sleep 1;
    is(MagasinTest::sql('SELECT count(*) FROM vente WHERE id > 6'), 0,
        'and none of them is made');
    my ($status) = $nginx->ask(
        sale(1) =~ s/\r\n\r\n/\r\nConnection: close\r\n\r\n/r);
    is($status, 201, 'the next one is');

    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}

MagasinTest::reset();
done_testing();
