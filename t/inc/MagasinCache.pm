package MagasinCache;

# An nginx with the cache, a client for each of its workers, and beside it the
# same answers without the cache, to compare with.

use strict;
use warnings;

use parent -norequire, 'MagasinNginx';

use HTTP::Tiny;
use Time::HiRes qw(sleep time);

use MagasinNginx;
use MagasinTest;

our $Token = 'Token token-430';

# start(zone => '8m', cache => 'directives', and what MagasinNginx knows)
sub start {
    my ($class, %option) = @_;

    my $zone  = delete $option{zone} || '8m';
    my $cache = delete $option{cache} || '';
    my $port  = MagasinNginx::free_port();

    # By the same name, so that links in answers are the same.

    $option{port} = $port;
    $option{http} = join "\n", $option{http} // '', "magasin_zone test:$zone;",
        'magasin_cache_header on;', $cache, "server {",
        "listen 127.0.0.2:$port;",
        'location /api/v1/ { magasin; magasin_cache off; }', '}';
    $option{server} = 'add_header X-Worker $pid always;'
        . ($option{server} // '');

    my $self = $class->SUPER::start(%option);
    $self->{tiny} = _client();

    return $self;
}

sub _client {
    return HTTP::Tiny->new(
        timeout      => 20,
        max_redirect => 0,
        proxy        => undef,
        http_proxy   => undef,
    );
}

# Connections that stay, one to each worker.
sub clients {
    my ($self) = @_;

    my %workers = map { $_ => 1 } $self->workers;
    my %clients;

    for (1 .. 500) {
        my $client = _client();
        my $answer = $self->request($client, '/healthz');
        my $pid    = $answer->{headers}{'x-worker'};
        $clients{$pid} = $client if $pid && $workers{$pid};
        return map { $clients{$_} } sort { $a <=> $b } keys %clients
            if keys %clients == keys %workers;
    }
    die "not every worker answers\n";
}

# request(CLIENT, PATH, method =>, headers => {}, content => TEXT): what
# HTTP::Tiny gives, and `state`, the word of the cache.  With a content, and
# to write, it is JSON of the demonstration token.
sub request {
    my ($self, $client, $path, %option) = @_;

    my $method  = $option{method} || 'GET';
    my %headers = %{ $option{headers} || {} };

    if ($method !~ /^(?:GET|HEAD)$/) {
        $headers{Authorization} //= $Token;
        $headers{'Content-Type'} //= 'application/json'
            if defined $option{content};
    }

    my $answer = $client->request($method,
        "http://127.0.0.1:$self->{port}$path",
        {   headers => \%headers,
            peer    => $option{peer},
            defined $option{content} ? (content => $option{content}) : (),
        });

    $answer->{state} = $answer->{headers}{'x-magasin-cache'} // '';
    return $answer;
}

# fetch(PATH, ...): by any worker
sub fetch {
    my ($self, $path, %option) = @_;
    return $self->request($self->{tiny}, $path, %option);
}

sub state {
    my ($self, $path, %option) = @_;
    return $self->fetch($path, %option)->{state};
}

# The same without the cache.
sub direct {
    my ($self, $path, %option) = @_;
    return $self->fetch($path, %option, peer => '127.0.0.2');
}

# All that a client sees, without what is another every time.
sub visible {
    my ($answer) = @_;
    my %headers = %{ $answer->{headers} };
    delete @headers{qw(date x-magasin-cache x-worker connection server)};
    return join "\n", $answer->{status},
        (map {"$_: $headers{$_}"} sort keys %headers), '',
        $answer->{content} // '';
}

# Ask until there is a hit; whether there was one in time.
sub fill {
    my ($self, @paths) = @_;

    my $end = time + 10;
    for my $path (@paths) {
        until ($self->state($path) eq 'HIT') {
            return 0 if time > $end;
        }
    }
    return 1;
}

# Seconds after now at which an answer that fails CONDITION was still asked
# for, until one holds: never more than it was really late.
sub late {
    my ($self, $path, $condition) = @_;

    my $start = time;
    my $late  = 0;
    my $asked;

    for (;;) {
        $asked = time;
        last if $condition->($self->fetch($path));
        $late = $asked - $start;
        last if $late > 10;
        sleep 0.005;
    }
    return $late;
}

1;
