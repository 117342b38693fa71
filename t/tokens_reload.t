# A bad tokens file is told once, by one worker, and never shown.

use strict;
use warnings;

use lib 't/inc';
use Digest::SHA qw(sha256_hex);
use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(sleep);
use MagasinTest;
use MagasinNginx;

plan skip_all => 'TEST_NGINX_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_DATABASE};

my $directory = tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $directory;
local $ENV{TEST_NGINX_TOKENS} = "$directory/tokens";

sub tokens {
    open my $file, '>', "$directory/new" or die "$directory/new: $!\n";
    print {$file} @_;
    close $file;
    rename "$directory/new", "$directory/tokens";
    sleep 2.5;
    return;
}

sub allowed {
    my ($nginx, $token) = @_;
    my ($status) = $nginx->ask("PUT /api/v1/products/3/ HTTP/1.1\r\n"
            . "Host: localhost\r\nConnection: close\r\n"
            . "Authorization: Token $token\r\nContent-Length: 0\r\n\r\n");
    return $status;
}

tokens('un:' . sha256_hex('premier') . ":produits\n");

my $nginx = MagasinNginx->start(workers => 2);
is(allowed($nginx, 'premier'), 200, 'the first token');

tokens('un:' . sha256_hex('premier') . ":produits\n",
    "deux:not-a-digest-but-a-secret:produits\n");
is(allowed($nginx, 'premier'), 200, 'a bad file: the old token stays');
is(() = $nginx->log =~ /the tokens stay as they were: line 2 is not/g, 1,
    'a bad file: one line says which line is wrong');
unlike($nginx->log, qr/not-a-digest-but-a-secret/,
    'a bad file: it is not shown');

tokens('deux:' . sha256_hex('second') . ":produits\n");
is(allowed($nginx, 'second'),  200, 'a good file: the new token');
is(allowed($nginx, 'premier'), 401, 'a good file: the old one is gone');

ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');
done_testing();
