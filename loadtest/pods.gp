# usage: gnuplot -c pods.gp CSV PNG
# Above: how many of the starts had answered by then. Below: the stages of a wake.
csv = ARG1
set terminal pngcairo size 1000,760 font "sans,11"
set output ARG2
set datafile separator ","
set multiplot layout 2,1
set key bottom right
set grid lc rgb "#dddddd"
set title "A bare Pod's port answers; the first byte of the answer to a request that wakes"
set xlabel "milliseconds since the create call, or since the request"
set ylabel "share of the starts"
set yrange [0:1]
set xrange [0:*]
of(start, stage) = sprintf("< awk -F, '$2 == \"%s\" && $3 == \"%s\" {print $4 / 1000}' '%s'", start, stage, csv)
plot of("bare Pod", "port answers") using 1:(1) smooth cnormal lw 2 lc rgb "#999999" title "bare Pod", \
     of("wake", "first byte") using 1:(1) smooth cnormal lw 3 lc rgb "#1b6ca8" title "wake", \
     of("wake in a stop", "first byte") using 1:(1) smooth cnormal lw 2 lc rgb "#2f9e6e" \
       title "wake 200 ms into a stop that takes 1 s", \
     of("last of bare Pods", "port answers") using 1:(1) smooth cnormal lw 2 dt 2 lc rgb "#999999" \
       title "bare Pods at once, the last", \
     of("last of wakes", "first byte") using 1:(1) smooth cnormal lw 2 dt 2 lc rgb "#1b6ca8" \
       title "wakes at once, the last"
set title "A wake by stage: median, box of the middle half, all within 1.5 of it"
unset key
set ylabel "milliseconds since the request"
unset xlabel
set autoscale x
set xrange [0.4:8.6]
set yrange [0:*]
set style boxplot outliers pointtype 7
set style data boxplot
set boxwidth 0.5
set style fill solid 0.25 border lc rgb "#1b6ca8"
set xtics ("patched" 1, "Pod created" 2, "container up" 3, "handed over" 4, "started" 5, \
           "port answers" 6, "released" 7, "first byte" 8)
plot of("wake", "patched") using (1):1 lc rgb "#1b6ca8", \
     of("wake", "Pod created") using (2):1 lc rgb "#1b6ca8", \
     of("wake", "container up") using (3):1 lc rgb "#1b6ca8", \
     of("wake", "handed over") using (4):1 lc rgb "#1b6ca8", \
     of("wake", "started") using (5):1 lc rgb "#1b6ca8", \
     of("wake", "port answers") using (6):1 lc rgb "#1b6ca8", \
     of("wake", "released") using (7):1 lc rgb "#1b6ca8", \
     of("wake", "first byte") using (8):1 lc rgb "#1b6ca8"
unset multiplot
