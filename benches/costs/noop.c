/* The command that does nothing: what a start takes beside it is the init's. */

int main(void)
{
    return 0;
}
