# usage: gnuplot -c wake.gp CSV PNG
# Above: how many of the starts had their first byte by then. Below: the stages of a resume.
csv = ARG1
set terminal pngcairo size 1000,760 font "sans,11"
set output ARG2
set datafile separator ","
set multiplot layout 2,1
set key bottom right
set grid lc rgb "#dddddd"
set title "First byte of the answer"
set xlabel "milliseconds since the request, or since Podman was asked to create"
set ylabel "share of the starts"
set yrange [0:1]
set xrange [0:*]
first(kind) = sprintf("< awk -F, '$2 == \"%s\" && $3 == \"first byte\" {print $4 / 1000}' %s", kind, csv)
stage(name) = sprintf("< awk -F, '$2 == \"resume\" && $3 == \"%s\" {print $4 / 1000}' %s", name, csv)
plot first("resume") using 1:(1) smooth cnormal lw 3 lc rgb "#1b6ca8" title "our resume", \
     first("podman-netns") using 1:(1) smooth cnormal lw 2 lc rgb "#999999" \
       title "Podman, ready network namespace", \
     first("podman-bridge") using 1:(1) smooth cnormal lw 2 lc rgb "#cc6633" \
       title "Podman, its own network"
set title "Resume by stage: median, box of the middle half, all within 1.5 of it"
unset key
set ylabel "milliseconds since the request"
unset xlabel
set autoscale x
set xrange [0.4:7.6]
set yrange [0:*]
set style boxplot outliers pointtype 7
set style data boxplot
set boxwidth 0.5
set style fill solid 0.25 border lc rgb "#1b6ca8"
set xtics ("patched" 1, "Pod created" 2, "container up" 3, "handed over" 4, "started" 5, \
           "port answers" 6, "first byte" 7)
plot stage("patched") using (1):1 lc rgb "#1b6ca8", \
     stage("pod created") using (2):1 lc rgb "#1b6ca8", \
     stage("container up") using (3):1 lc rgb "#1b6ca8", \
     stage("handed over") using (4):1 lc rgb "#1b6ca8", \
     stage("started") using (5):1 lc rgb "#1b6ca8", \
     stage("port answers") using (6):1 lc rgb "#1b6ca8", \
     stage("first byte") using (7):1 lc rgb "#1b6ca8"
unset multiplot
