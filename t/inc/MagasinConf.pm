package MagasinConf;

# An nginx with the files of conf/, in a temporary directory, with the
# PostgreSQL and the Redis of the suites.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);

use MagasinNginx;

our $Top = abs_path(dirname(__FILE__) . '/../..');

# make(...) creates the files.  The options:
#
#   template => 'conf/nginx.conf', names => 'a b',
#   proxies => '10.0.0.1', include => [PATH, ...],
#   cluster => TEXT, default => TEXT, change => sub { edits $_ }
#
# Returns a MagasinNginx that does not run yet.  Its `port` is for clients,
# `metrics` for operators.
sub make {
    my (%option) = @_;

    my $root = tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    my ($sockets) = $ENV{TEST_NGINX_DATABASE} =~ /host=(\S+)/;
    my $self = bless {
        root    => $root,
        port    => MagasinNginx::free_port(),
        metrics => MagasinNginx::free_port(),
        wanted  => 2,
    }, 'MagasinNginx';

    my %value = (
        USER    => $> == 0 ? 'user root;' : '',
        WORKERS => 2,
        MODULE  => $ENV{TEST_NGINX_LOAD_MODULES},
        SOCKETS => $sockets,
        CACHE   => 'on',
        CONF    => "$Top/conf",
        LISTEN  => "127.0.0.1:$self->{port}",
        METRICS => "127.0.0.1:$self->{metrics}",
        DEMONSTRATION => '',
        DEFAULT => $option{default} // 'default_server',
        NAMES   => join(' ', 'localhost 127.0.0.1', $option{names} // ()),
        PROXIES => $option{proxies} // '',
        CLUSTER => $option{cluster} // '',
        NODES   => "server 127.0.0.1:$self->{port};",
    );

    mkdir "$root/$_" for qw(logs tmp web openapi);
    put("$root/tokens", MagasinNginx::slurp("$Top/conf/tokens.demo"));

    my $text = MagasinNginx::slurp("$Top/" . ($option{template}
            // 'conf/nginx.conf'));
    for my $path (@{ $option{include} // [] }) {
        my $more = MagasinNginx::slurp("$Top/$path");
        $text =~ s/\}\s*\z/$more\n}\n/ or die "no end of http\n";
    }
    $text =~ s/\@([A-Z]+)\@/$value{$1} \/\/ die "what is \@$1\@?\n"/ge;
    $text =~ s{\bpid/nginx}{logs/nginx};
    $text =~ s{\blog/}{logs/}g;
    if ($option{change}) {
        local $_ = $text;
        $option{change}->($self);
        $text = $_;
    }
    put("$root/nginx.conf", $text);

    return $self;
}

sub put {
    my ($path, $text) = @_;
    open my $file, '>', $path or die "$path: $!\n";
    print {$file} $text;
    close $file;
    return;
}

# Returns the output of "nginx -t", which is empty if there is no warning.
sub tested {
    my ($self) = @_;
    my $nginx = $ENV{TEST_NGINX_BINARY} || 'nginx';
    my $said  = `$nginx -t -q -p $self->{root}/ -c $self->{root}/nginx.conf 2>&1`;
    $said = "exit status $?\n" if $? && $said eq '';
    return $said;
}

sub start {
    my ($self) = @_;
    $self->remember;
    system($ENV{TEST_NGINX_BINARY} || 'nginx', '-p', "$self->{root}/", '-c',
        "$self->{root}/nginx.conf") == 0
        or die 'nginx does not start: ' . $self->log;
    MagasinNginx::wait_for(sub { operator($self, '/readyz')->[0] == 200 })
        or die 'nginx is not ready: ' . $self->log;
    return $self;
}

# operator(NGINX, PATH): status and answer on the port for operators.
sub operator {
    my ($self, $path) = @_;
    local $self->{port} = $self->{metrics};
    return [ $self->get($path) ];
}

# call(NGINX, PATH, HEADER...): status and answer.
sub call {
    my ($self, $path, @headers) = @_;
    unshift @headers, 'Host: localhost' unless grep {/^Host/} @headers;
    return $self->ask(join "\r\n", "GET $path HTTP/1.1", 'Connection: close',
        @headers, '', '');
}

1;
