CREATE TYPE "Role" AS ENUM ('STUDENT', 'ADMIN');
CREATE TYPE "Status" AS ENUM ('DRAFT', 'PUBLISHED');
CREATE TYPE "PaymentStatus" AS ENUM ('PENDING', 'COMPLETED', 'REFUNDED');
CREATE TABLE "public"."User" (
    "id" TEXT NOT NULL PRIMARY KEY, "email" TEXT NOT NULL, "name" TEXT,
    "role" "Role" NOT NULL DEFAULT 'STUDENT', "deletedAt" TIMESTAMP(3),
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE "public"."Course" (
    "id" TEXT NOT NULL PRIMARY KEY, "title" TEXT NOT NULL, "status" "Status" NOT NULL,
    "isPublic" BOOLEAN NOT NULL, "price" DECIMAL(65,30) NOT NULL, "currency" TEXT NOT NULL
);
CREATE TABLE "public"."Chapter" (
    "id" TEXT NOT NULL PRIMARY KEY, "courseId" TEXT NOT NULL, "title" TEXT NOT NULL,
    "order" INTEGER NOT NULL
);
CREATE TABLE "public"."Enrollment" (
    "userId" TEXT NOT NULL, "courseId" TEXT NOT NULL, "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "expiresAt" TIMESTAMPTZ(3), PRIMARY KEY ("userId", "courseId")
);
CREATE TABLE "public"."StudentProgress" (
    "id" SERIAL PRIMARY KEY, "studentId" TEXT NOT NULL, "courseId" TEXT NOT NULL,
    "totalProgress" DOUBLE PRECISION NOT NULL, "completedChapters" TEXT[]
);
CREATE TABLE "public"."Payment" (
    "id" TEXT NOT NULL PRIMARY KEY, "userId" TEXT NOT NULL, "courseId" TEXT NOT NULL,
    "amount" DECIMAL(65,30) NOT NULL, "currency" TEXT NOT NULL, "status" "PaymentStatus" NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL
);
INSERT INTO "User" VALUES
    ('u1', 'ada@x.org', 'Ada', 'STUDENT', NULL, '2026-01-01 10:00:00'),
    ('u2', 'gone@x.org', 'Gone', 'STUDENT', '2026-02-01', '2026-01-01 10:00:00'),
    ('u3', 'root@x.org', 'Root', 'ADMIN', NULL, '2026-01-01 10:00:00');
INSERT INTO "Course" VALUES
    ('c1', 'Paid', 'PUBLISHED', true, 20, 'usd'), ('c2', 'Draft', 'DRAFT', true, 0, 'usd');
INSERT INTO "Chapter" VALUES ('k2', 'c1', 'Two', 2), ('k1', 'c1', 'One', 1);
INSERT INTO "Enrollment" VALUES
    ('u1', 'c1', '2026-01-05 08:00:00-05', NULL), ('u2', 'c1', '2026-01-05 08:00:00-05', NULL),
    ('u1', 'c2', '2026-01-05 08:00:00-05', '2026-02-01 00:00:00+00');
INSERT INTO "StudentProgress" ("studentId", "courseId", "totalProgress", "completedChapters")
    VALUES ('u1', 'c1', 0.5, ARRAY['k2']);
INSERT INTO "Payment" VALUES ('p1', 'u1', 'c1', 20, 'usd', 'COMPLETED', '2026-01-05 08:00:00-05');
