// A shared library that is no plugin library.
extern "C" int SomethingElse() { return 1; }
