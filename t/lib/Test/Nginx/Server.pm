package Test::Nginx::Server;

# One nginx process: start, reuse, stop, its logs and its health.

use strict;
use warnings;

use Errno qw(EINTR);
use File::Basename qw(dirname);
use File::Glob qw(bsd_glob);
use File::Path qw(make_path remove_tree);
use POSIX qw(WNOHANG);
use Test::More ();
use Test::Nginx::Util ();
use Time::HiRes qw(sleep time);

my $poll  = 0.002;
my $owner = $$;

my ($pid, $running_config);
my (%position, $scanned, @excuses);
my $shutdown_position = 0;
my $html_changed      = 0;
my @problems;
my %old_reports = sanitizer_reports();

sub problem {
    my ($text) = @_;
    push @problems, $text;
    return;
}

sub problems { return @problems }

# Files

sub write_file {
    my ($path, $text) = @_;

    make_path(dirname($path));
    open my $file, '>:raw', $path or die "cannot write $path: $!\n";
    print {$file} $text;
    close $file or die "cannot write $path: $!\n";
    return;
}

sub read_from {
    my ($path, $position) = @_;

    open my $file, '<:raw', $path or return '';
    seek $file, $position, 0;
    local $/;
    my $text = <$file>;
    return defined $text ? $text : '';
}

sub reset_root {
    my $root = $Test::Nginx::Util::ServRoot;

    remove_tree(map {"$root/$_"} qw(conf html logs temp));
    make_path(map {"$root/$_"} qw(conf html logs temp));
    return;
}

sub write_html {
    my ($files) = @_;

    my $dir = $Test::Nginx::Util::HtmlDir;

    return if -e "$dir/index.html" && !$html_changed && !defined $files;

    remove_tree($dir, { keep_root => 1 });
    $html_changed = defined $files;

    write_file("$dir/index.html",
        "<html><head><title>It works!</title></head>"
            . "<body>It works!</body></html>");

    for my $file (user_files($files)) {
        my ($name, $text, $stamp) = @$file;
        write_file("$dir/$name", $text);
        utime $stamp, $stamp, "$dir/$name" if defined $stamp;
    }

    return;
}

# ">>> name [YYYYMMDDhhmm.ss]" starts a file; an array of [name, text, stamp]
# or a hash of name => text will do as well.

sub user_files {
    my ($files) = @_;

    return () unless defined $files;

    my @list;

    if (ref $files eq 'HASH') {
        @list = map { [ $_, $files->{$_} ] } sort keys %$files;
    } elsif (ref $files eq 'ARRAY') {
        @list = @$files;
    } else {
        for my $hunk (split /^>>>[ \t]*/m, $files) {
            next unless $hunk =~ /\S/;
            my ($head, $text) = split /\n/, $hunk, 2;
            my ($name, $stamp) = split ' ', $head;
            push @list, [ $name, defined $text ? $text : '', $stamp ];
        }
    }

    return map { [ $_->[0], $_->[1], seconds($_->[2]) ] } @list;
}

sub seconds {
    my ($stamp) = @_;

    return unless defined $stamp;

    my ($year, $month, $day, $hour, $minute, $second)
        = $stamp =~ /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d\d))?$/
        or die "bad time stamp \"$stamp\" in user_files\n";

    return POSIX::mktime($second || 0, $minute, $hour, $day, $month - 1,
        $year - 1900, 0, 0, -1);
}

# Logs. A position is where the current repetition of a block began.

sub mark {
    for my $path ($Test::Nginx::Util::ErrLogFile,
        $Test::Nginx::Util::AccLogFile)
    {
        $position{$path} = -s $path || 0;
    }
    return;
}

sub log_lines {
    my ($path) = @_;
    return split /\n/, read_from($path, $position{$path} || 0);
}

sub stderr_lines {
    return split /\n/, read_from($Test::Nginx::Util::StderrFile, 0);
}

sub shutdown_lines {
    return split /\n/,
        read_from($Test::Nginx::Util::ErrLogFile, $shutdown_position);
}

sub line_matches {
    my ($line, $pattern) = @_;
    return ref $pattern ? $line =~ $pattern : index($line, $pattern) >= 0;
}

# Every line of the error log passes here once. What is grave is a problem
# unless the block it belongs to expects it.

sub scan {
    my ($name) = @_;

    my $text = read_from($Test::Nginx::Util::ErrLogFile, $scanned || 0);

    my $whole = rindex($text, "\n") + 1;
    $scanned = ($scanned || 0) + $whole;
    $text = substr $text, 0, $whole;

    while ($text =~ m{^([\d/]+ [\d:]+ \[(?:alert|crit|emerg)\] .*)$}mg) {
        my $line = $1;
        next if grep { line_matches($line, $_) } @excuses;
        problem("error.log: $line" . (defined $name ? " ($name)" : ''));
    }

    return;
}

sub excuse {
    @excuses = @_;
    return;
}

# Process

sub spawn {
    my $root = $Test::Nginx::Util::ServRoot;

    my @command = (
        Test::Nginx::Util::binary(), '-p', "$root/", '-c',
        $Test::Nginx::Util::ConfFile
    );

    push @command, '-e', $Test::Nginx::Util::ErrLogFile
        if Test::Nginx::Util::version_at_least(1, 19, 5);

    my $child = fork;
    die "cannot fork: $!\n" unless defined $child;

    if ($child == 0) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', $Test::Nginx::Util::StderrFile;
        open STDERR, '>&', \*STDOUT;
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP QUIT);
        { no warnings 'exec'; exec {$command[0]} @command }
        print STDERR "cannot run $command[0]: $!\n";
        POSIX::_exit(127);
    }

    return $child;
}

# The status of a process that has ended, undef for one that lives.

sub reap {
    my ($child, $patience) = @_;

    my $end = time + $patience;

    while (1) {
        my $done = waitpid $child, WNOHANG;
        return $? if $done == $child;
        return 0 if $done == -1 && $! != EINTR;
        return if time >= $end;
        sleep $poll;
    }
}

sub describe {
    my ($status) = @_;

    return 'was killed by signal ' . ($status & 127) if $status & 127;
    return 'exited with status ' . ($status >> 8);
}

sub prepare {
    my ($config, $files) = @_;

    end_stale();
    reset_root();
    write_html($files);
    write_file($Test::Nginx::Util::ConfFile, $config);
    ($scanned, $shutdown_position) = (0, 0);
    %position = ();
    return;
}

# Starts nginx with this configuration or keeps the one that has it. Returns
# what went wrong, if anything.

sub ensure {
    my ($config, $files) = @_;

    if (defined $pid) {
        check_alive();
        scan();
    }

    if (   defined $pid
        && !$Test::Nginx::Util::ForceRestart
        && $config eq $running_config)
    {
        write_html($files);
        mark();
        return;
    }

    stop();
    prepare($config, $files);

    my $port = $Test::Nginx::Util::ServerPort;
    Test::More::BAIL_OUT("port $port is in use: stop what listens there"
            . " or set TEST_NGINX_PORT")
        unless Test::Nginx::Util::port_is_free($port);

    my $child = spawn();
    my $end   = time + $Test::Nginx::Util::StartTimeout;

    # nginx writes its pid file once its sockets listen
    while (!-s $Test::Nginx::Util::PidFile) {
        my $status = reap($child, 0);

        if (defined $status) {
            my $error = "nginx " . describe($status) . " instead of starting";
            problem($error) if $status & 127;
            return join "\n", $error, stderr_lines();
        }

        if (time >= $end) {
            kill 'KILL', $child;
            reap($child, 5);
            return 'nginx did not start in time';
        }

        sleep $poll;
    }

    ($pid, $running_config) = ($child, $config);
    return;
}

# Runs nginx with a configuration it must refuse. Returns its wait status,
# undef when it started.

sub run_to_death {
    my ($config, $files) = @_;

    scan() if defined $pid;
    stop();
    prepare($config, $files);

    my $child = spawn();
    my $end   = time + $Test::Nginx::Util::StartTimeout;
    my $status;

    while (!defined($status = reap($child, 0))) {
        if (-s $Test::Nginx::Util::PidFile || time >= $end) {
            # it may die right after its pid file
            $status = reap($child, 0.5);
            last if defined $status;
            ($pid, $running_config) = ($child, $config);
            return;
        }
        sleep $poll;
    }

    problem('nginx ' . describe($status)) if $status & 127;
    return $status;
}

sub check_alive {
    return unless defined $pid;

    my $status = reap($pid, 0);
    return 1 unless defined $status;

    ended();
    problem('nginx ' . describe($status) . ' while it was serving');
    return 0;
}

sub ended {
    undef $pid;
    undef $running_config;
    scan();

    for my $line (stderr_lines()) {
        next unless $line =~ /ERROR: \w+Sanitizer|: runtime error: /;
        problem("stderr: $line");
    }

    return;
}

sub stop {
    return unless defined $pid;

    $shutdown_position = -s $Test::Nginx::Util::ErrLogFile || 0;

    my $status;

    for my $signal (qw(QUIT TERM KILL)) {
        kill $signal, $pid;
        $status = reap($pid, $Test::Nginx::Util::StopTimeout);
        last if defined $status;
        problem("nginx does not end on SIG$signal");
    }

    problem('nginx ' . describe($status) . ' when stopped') if $status;
    ended();
    return;
}

# An nginx that an earlier, killed run left behind: only one that was started
# on this very server root.

sub end_stale {
    my $root = $Test::Nginx::Util::ServRoot;

    my ($stale) = read_from($Test::Nginx::Util::PidFile, 0) =~ /^(\d+)/
        or return;
    return unless index(read_from("/proc/$stale/cmdline", 0), "$root/") >= 0;

    kill 'TERM', $stale;
    my $end = time + $Test::Nginx::Util::StopTimeout;
    sleep $poll while kill(0, $stale) && time < $end;
    return;
}

# Sanitizer reports are files "prefix.pid"; those of earlier files have been
# charged already.

sub sanitizer_reports {
    my $prefix = $ENV{TEST_NGINX_SANITIZER_LOG};
    return () unless defined $prefix && length $prefix;
    return map { ($_ => -s $_) } bsd_glob("\Q$prefix\E*");
}

sub check_sanitizer {
    my %reports = sanitizer_reports();

    for my $path (sort keys %reports) {
        next unless $reports{$path};
        next if ($old_reports{$path} || 0) == $reports{$path};
        my @lines = split /\n/, read_from($path, $old_reports{$path} || 0);
        splice @lines, 40 if @lines > 40;
        problem(join "\n", "sanitizer report $path:", @lines);
    }

    %old_reports = %reports;
    return;
}

sub is_owner { return $$ == $owner }

1;
