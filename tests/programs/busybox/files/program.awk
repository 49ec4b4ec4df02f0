BEGIN { FS = ","; print "start" }
NR > 1 { total += $3; name[$1]++ }
/red/ { printf "%s is red (%d)\n", $1, NR }
END { print total, length(name); for (n = 3; n > 0; n--) printf n " "; print "" }
