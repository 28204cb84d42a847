<?php
// A page that takes three seconds, whatever signals arrive.
file_put_contents('/out/answer', "begun\n", FILE_APPEND);
for ($end = microtime(true) + 3; microtime(true) < $end; usleep(10000));
echo "complete\n";
