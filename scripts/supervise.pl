#!/usr/bin/perl
# For "instance.sh up": the process that gets its signals.
#
# usage: supervise.pl COMMAND...
#
# COMMAND is a script of bash, and bash is not to get them.  A SIGINT that
# arrives while bash 5.2 begins to wait for a command is lost, or is handled
# again and again for ever; and a trap that runs while bash reads a command
# substitution ends with a syntax error.  So COMMAND runs in a session of its
# own, which no signal of the terminal reaches.  Its descriptor 8 is a pipe on
# which nothing is ever written: the end of the file says that it has to end.
# It is at its end, too, when this process has been killed.
#
# The exit status is that of COMMAND.

use strict;
use warnings;

use POSIX qw(:sys_wait_h dup2 setpgid setsid tcgetpgrp tcsetpgrp);

die "usage: supervise.pl COMMAND...\n" unless @ARGV;

pipe my $end, my $open or die "magasin: pipe: $!\n";
for my $name (qw(INT TERM HUP)) {
    # nohup has set it, for example.
    next if ($SIG{$name} // '') eq 'IGNORE';
    $SIG{$name} = sub { close $open };
}

# A stop from the keyboard would leave the servers to themselves.
$SIG{$_} = 'IGNORE' for qw(TSTP TTOU);
# It ends the wait below.
$SIG{CHLD} = sub { };

# make dies of a Ctrl-C that it gets, whatever its commands do.  So this process
# becomes a process group of its own, to which the terminal sends its signals,
# and gives the terminal back at its end.
my $group = getpgrp;
my $taken = -t STDIN && $group != $$ && (tcgetpgrp(0) // 0) == $group;
if ($taken) {
    setpgid(0, 0);
    tcsetpgrp(0, $$);
}

my $pid = fork // die "magasin: fork: $!\n";
if ($pid == 0) {
    $SIG{$_} = 'DEFAULT' for qw(TSTP TTOU CHLD);
    setsid();
    close $open;
    dup2(fileno $end, 8) // die "magasin: dup2: $!\n";
    $ENV{MAGASIN_SUPERVISED} = 1;
    exec { $ARGV[0] } @ARGV;
    die "magasin: $ARGV[0]: $!\n";
}

# A signal that arrives just before the pause is handled after it.  The first
# process of a container inherits the servers too.
my $status;
until (defined $status) {
    select undef, undef, undef, 0.2;
    while ((my $gone = waitpid -1, WNOHANG) > 0) {
        $status = $? if $gone == $pid;
    }
}

tcsetpgrp(0, $group) if $taken;
exit($status & 127 ? 128 + ($status & 127) : $status >> 8);
