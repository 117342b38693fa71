package MagasinBlocks;

# What the suites say in a block beyond the language of Test::Nginx, put in a
# form that Test::Nginx itself takes.  So they run under it and under the
# harness in t/lib, which knows all of it.

use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use Test::More ();
use Time::HiRes qw(sleep time);

# Whether the library is the one in t/lib.
sub own { return defined &Test::Nginx::Server::excuse }

# The sections of a block that make its configuration.
my @configuration = qw(main_config http_config post_main_config server_name
    log_level http2);

sub standard {
    my ($block) = @_;

    filters($block);

    # The library evaluates it in its own package.

    my $init = $block->init;
    $block->set_value('init', "package main;\n$init") if defined $init;

    return if own();

    # A suite that keeps nginx between blocks (FORCE_RESTART_ON_TEST=0) has a
    # new one when any part of the configuration is another: Test::Nginx
    # compares `config` alone.

    my $digest = md5_hex(join "\0", map {
        my $value = $block->$_;
        defined $value ? "$_ $value" : $_;
    } @configuration);
    $block->set_value('config', "# $digest\n" . ($block->config // ''));

    http2($block);
    whole_log($block);
    return;
}

# Test::Nginx writes "http2 on;" for each nginx since 1.19.9, and nginx knows it
# since 1.25.1: for one between them it is told an older version.
my $version;

sub http2 {
    my ($block) = @_;

    $version //= $Test::Nginx::Util::NginxVersion // 0;
    return if $version >= 1.025001;

    $Test::Nginx::Util::NginxVersion
        = defined scalar $block->http2 ? '1.019008' : $version;
    return;
}

# Filters of bodies that are functions of the suite, by their names.
sub filters {
    my ($block) = @_;

    my $filters = $block->response_body_filters;
    return if !defined $filters || ref $filters;

    $block->set_value('response_body_filters',
        [ map { main->can(s/^main:://r) || $_ } split ' ', $filters ]);
    return;
}

# Test::Nginx looks for `error_log` after each of several requests; it is meant
# for all of them together, and so looked at after the last one.
my (%expected, $checks);

sub whole_log {
    my ($block) = @_;

    my $requests = $block->request // $block->pipelined_requests;
    my $wanted   = $block->error_log;
    return if ref $requests ne 'ARRAY' || !defined $wanted;

    $block->set_value('error_log', undef);
    $expected{$block} = { last => $#$requests, patterns => [
        map { ref $_ eq 'ARRAY' ? @$_ : $_ }
            ref $wanted eq 'ARRAY' ? @$wanted : grep {/\S/} split /\n/, $wanted
    ] };

    Test::Nginx::Socket::add_response_body_check(\&check_log)
        unless $checks++;
    return;
}

sub check_log {
    my ($block, undef, $index) = @_;

    my $of = $expected{$block} or return;
    return if $index < $of->{last};

    my $path  = Test::Nginx::Socket::server_root() . '/logs/error.log';
    my $end   = time + ($ENV{TEST_NGINX_PATIENCE} || 60);
    my $missing;
    do {
        sleep 0.01 if defined $missing;
        my @lines = do {
            open my $file, '<', $path or die "$path: $!\n";
            <$file>;
        };
        ($missing) = grep {
            my $pattern = $_;
            !grep { ref $pattern ? /$pattern/ : /\Q$pattern\E/ } @lines;
        } @{ $of->{patterns} };
    } while (defined $missing && time < $end);

    Test::More::is($missing, undef, $block->name . ' - error_log');
    return;
}

1;
